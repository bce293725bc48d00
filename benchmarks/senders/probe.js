// Put into a page before its own scripts: notes when input leaves, and which input each presented picture shows.
// Bar code: see streaming/stamp.py. An input's time is that of the pointer event that caused it.
(() => {
  const REFERENCE_EVERY = 10;
  const MOST_CAPTURED = 12;
  const probe = (window.probe = {
    latencies: [],
    presented: 0,
    /** When pictures were presented, in milliseconds since 1970. */
    times: [],
    reading: false,
    /** Whether to keep the latest pictures: every one, or those that the senders keep, too. */
    capturing: false,
    every: REFERENCE_EVERY,
    captured: {},
    bytes: 0,
    /** For pages that name an input by where the pointer is: (event) => number. */
    keyOf: null,
    connections: [],
  });
  let pointer = { x: null, at: 0 };
  let sent = [];
  const CELL = 16;
  const strip = new OffscreenCanvas(32 * CELL, 2 * CELL);
  const ink = strip.getContext('2d', { willReadFrequently: true });

  probe.reset = () => {
    probe.latencies = [];
    sent = [];
  };
  const note = (key) => sent.push([key, pointer.at]);

  for (const type of ['pointerrawupdate', 'pointermove'])
    window.addEventListener(
      type,
      (event) => {
        if (event.clientX === pointer.x) return;
        pointer = { x: event.clientX, at: performance.now() };
        if (probe.keyOf !== null) note(probe.keyOf(event));
      },
      true,
    );

  /** [frame, input] of a picture that can be drawn. */
  probe.read = (picture, width, height) => {
    ink.drawImage(picture, 0, height - 2 * CELL, 32 * CELL, 2 * CELL, 0, 0, 32 * CELL, 2 * CELL);
    const { data } = ink.getImageData(0, 0, 32 * CELL, 2 * CELL);
    return [0, 1].map((row) => {
      let value = 0;
      for (let bit = 0; bit < 32; bit++)
        value = value * 2 + (data[((row * CELL + CELL / 2) * 32 * CELL + bit * CELL + CELL / 2) * 4] > 128 ? 1 : 0);
      return value;
    });
  };

  const shown = (picture, width, height) => {
    const now = performance.now();
    probe.presented += 1;
    probe.times.push(performance.timeOrigin + now);
    if (!probe.reading || width < 32 * CELL) return;
    const [frame, input] = probe.read(picture, width, height);
    const at = sent.findLastIndex(([key]) => key === input);
    for (const [, began] of sent.splice(0, at + 1)) probe.latencies.push(now - began);
    if (probe.capturing && (frame % probe.every === 0)) capture(frame, picture, width, height);
  };

  const capture = (frame, picture, width, height) => {
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext('2d').drawImage(picture, 0, 0, width, height);
    probe.captured[frame] = canvas;
    const frames = Object.keys(probe.captured);
    if (frames.length > MOST_CAPTURED) delete probe.captured[frames[0]];
  };
  /** The captured picture as base64 of a PNG. */
  probe.png = async (frame) => {
    const blob = await probe.captured[frame].convertToBlob({ type: 'image/png' });
    const reader = new FileReader();
    await new Promise((done) => {
      reader.onload = done;
      reader.readAsDataURL(blob);
    });
    return reader.result.split(',')[1];
  };

  // -- where pictures are presented: videos, canvases painted from elsewhere, images

  const watched = new WeakSet();
  const watch = (video) => {
    if (watched.has(video)) return;
    watched.add(video);
    const next = () =>
      video.requestVideoFrameCallback(() => {
        shown(video, video.videoWidth, video.videoHeight);
        next();
      });
    next();
  };
  document.addEventListener('loadeddata', (event) => event.target instanceof HTMLVideoElement && watch(event.target), true);

  const drawImage = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (...what) {
    drawImage.apply(this, what);
    if (what[0] instanceof HTMLVideoElement || !this.canvas.classList?.contains('osw-surface')) return;
    requestAnimationFrame(() => shown(this.canvas, this.canvas.width, this.canvas.height));
  };

  document.addEventListener(
    'load',
    ({ target }) => {
      if (target instanceof HTMLImageElement && target.closest('.renderview-wrapper'))
        requestAnimationFrame(() => shown(target, target.naturalWidth, target.naturalHeight));
    },
    true,
  );

  // -- what goes over the wires

  const size = (data) => (typeof data === 'string' ? data.length : (data.byteLength ?? data.size));
  const noteMessage = (data) => {
    if (typeof data === 'string' && data.startsWith('{"') && data.includes('"seq":')) note(JSON.parse(data).seq);
  };
  window.WebSocket = class extends WebSocket {
    constructor(...address) {
      super(...address);
      this.addEventListener('message', ({ data }) => {
        probe.bytes += size(data);
      });
    }
    send(data) {
      if (probe.keyOf === null && typeof data === 'string' && data.startsWith('{"type":"input"')) noteMessage(data);
      super.send(data);
    }
  };
  if (window.RTCPeerConnection) {
    const send = RTCDataChannel.prototype.send;
    RTCDataChannel.prototype.send = function (data) {
      if (this.label === 'input') noteMessage(data);
      return send.call(this, data);
    };
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...how) {
        super(...how);
        probe.connections.push(this);
      }
    };
  }
  /** Bytes received so far, over whatever. */
  probe.received = async () => {
    let bytes = probe.bytes;
    for (const connection of probe.connections)
      for (const entry of (await connection.getStats()).values())
        if (entry.type === 'inbound-rtp') bytes += entry.bytesReceived + entry.headerBytesReceived;
    return bytes;
  };
})();
