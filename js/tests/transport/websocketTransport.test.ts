import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocketTransport, ReceiveCounters } from "../../transport/websocketTransport.ts";
import { FakeSocket } from "../fakes.ts";
import { frameMessage, HELLO, instance, viewer } from "../wire.ts";

/** Stands in for VideoDecoder; frames come out when a test says so. */
class FakeDecoder {
  static made: FakeDecoder[] = [];
  state = "unconfigured";
  config: Record<string, unknown> = {};
  readonly #init: { output(frame: unknown): void; error(error: Error): void };
  readonly chunks: { type: string; timestamp: number }[] = [];

  constructor(init: { output(frame: unknown): void; error(error: Error): void }) {
    this.#init = init;
    FakeDecoder.made.push(this);
  }

  configure(config: Record<string, unknown>) {
    this.config = config;
    this.state = "configured";
  }

  decode(chunk: { type: string; timestamp: number }) {
    this.chunks.push(chunk);
  }

  close() {
    this.state = "closed";
  }

  show() {
    const { timestamp } = this.chunks.shift()!;
    const frame = { timestamp, displayWidth: 1280, displayHeight: 720, close: vi.fn() };
    this.#init.output(frame);
    return frame;
  }

  break() {
    this.#init.error(new Error("broken"));
  }
}

let socket: FakeSocket;
let life: AbortController;
const paint = vi.fn();
const show = vi.fn();
const sink = { playStream: vi.fn(), openImages: vi.fn(() => paint), openFrames: vi.fn(() => show) };
const listener = {
  onHello: vi.fn(),
  onInput: vi.fn(),
  onState: vi.fn(),
  onStats: vi.fn(),
  onControl: vi.fn(),
  onPresented: vi.fn(),
  onLost: vi.fn(),
};

beforeEach(() => {
  vi.clearAllMocks();
  FakeDecoder.made = [];
  vi.stubGlobal("VideoDecoder", FakeDecoder);
  vi.stubGlobal(
    "EncodedVideoChunk",
    class {
      constructor(init: object) {
        Object.assign(this, init);
      }
    },
  );
  socket = new FakeSocket();
  life = new AbortController();
});
afterEach(() => {
  life.abort();
  vi.unstubAllGlobals();
});

const connect = (name: "websocket" | "images" = "websocket") => {
  const transport = new WebSocketTransport(name, socket as never, sink, listener, life.signal);
  socket.dispatchEvent(new Event("open"));
  return transport;
};
const bring = (name: Parameters<typeof frameMessage>[0]) =>
  socket.dispatchEvent(new MessageEvent("message", { data: frameMessage(name) }));
const decoder = () => FakeDecoder.made.at(-1)!;

test("it requests video, decodes it, shows it and acknowledges what was shown", async () => {
  const transport = connect();
  expect(socket.messages).toEqual([viewer.media.h264]);
  bring("key");
  bring("delta");
  expect(decoder().config).toMatchObject({ codec: "avc1.42c01f", codedWidth: 1280, optimizeForLatency: true });
  expect(decoder().chunks.map(({ type }) => type)).toEqual(["key", "delta"]);
  expect(socket.sent).toHaveLength(1);
  const frame = decoder().show();
  expect(show).toHaveBeenCalledExactlyOnceWith(frame);
  expect(socket.messages.at(-1)).toEqual(viewer.ack);
  decoder().show();
  expect(socket.messages.at(-1)).toEqual({ ...viewer.ack, number: 2 });
  expect((await transport.takeSnapshot()).inbound).toMatchObject({
    framesReceived: 2,
    framesDecoded: 2,
    frameWidth: 1280,
  });
});

test("frames that cannot be shown yet are acknowledged, and a key frame is requested", () => {
  connect();
  bring("delta");
  bring("delta");
  const sent = socket.messages.slice(1);
  expect(sent.filter(({ type }) => type === "ack")).toHaveLength(2);
  expect(sent.filter(({ verb }) => verb === "key_frame")).toHaveLength(1);
});

test("waiting for the frame before is not decoding", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const transport = connect();
  bring("key");
  bring("delta");
  vi.advanceTimersByTime(10);
  decoder().show();
  vi.advanceTimersByTime(4);
  decoder().show();
  expect((await transport.takeSnapshot()).inbound?.totalDecodeTime).toBeCloseTo(0.014);
  vi.useRealTimers();
});

test("a decoder that fails ends the transport", () => {
  connect();
  bring("key");
  decoder().break();
  expect(listener.onLost).toHaveBeenCalledExactlyOnceWith("this browser cannot decode the video: Error: broken");
});

test("input and control use the same socket", () => {
  const transport = connect();
  expect(transport.input).toBeNull();
  socket.receive(HELLO);
  expect(listener.onInput).toHaveBeenCalledWith(socket);
  expect(listener.onHello).toHaveBeenCalled();
  expect(transport.hello).toEqual(instance.hello);
  socket.receive(JSON.stringify(instance.control));
  expect(listener.onControl).toHaveBeenCalledExactlyOnceWith(instance.control);
});

test("while paused it requests no frames, and starts over afterwards", () => {
  const transport = connect();
  bring("key");
  expect(transport.pause()).toBe(true);
  expect(socket.messages.at(-1)).toEqual(viewer.media.none);
  bring("delta");
  expect(decoder().chunks).toHaveLength(1);
  transport.resume();
  expect(decoder().state).toBe("closed");
  expect(socket.messages.at(-1)).toEqual(viewer.media.h264);
});

test("images are shown one by one", async () => {
  const bitmap = { width: 640, height: 360, close: vi.fn() };
  vi.stubGlobal(
    "createImageBitmap",
    vi.fn(async () => bitmap),
  );
  connect("images");
  expect(socket.messages[0]).toEqual(viewer.media.images);
  bring("jpeg");
  await vi.waitFor(() => expect(socket.messages.at(-1)).toEqual({ ...viewer.ack, number: 5 }));
  expect(paint).toHaveBeenCalledWith(bitmap, 640, 360);
  expect(bitmap.close).toHaveBeenCalled();
});

test("the server's own reason is passed on, and the end closes socket and decoder", () => {
  connect();
  bring("key");
  socket.dispatchEvent(Object.assign(new Event("close"), { code: 4404, reason: "the session has ended" }));
  expect(listener.onLost.mock.calls[0]).toEqual(["the session has ended"]);
  life.abort();
  expect(socket.closed).toBe(true);
  expect(decoder().state).toBe("closed");
});

test("jitter is that of the network, whatever the offset of the clocks", () => {
  const counters = new ReceiveCounters();
  for (let n = 0; n < 100; n++) counters.received({ sentAt: 5000 + 33 * n }, 1000, 33 * n + (n % 2) * 4);
  expect(counters.inbound.jitter).toBeCloseTo(0.004, 3);
  expect(counters.inbound).toMatchObject({ framesReceived: 100, bytesReceived: 100_000 });
});
