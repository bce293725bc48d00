/** The WebSocket transports: frames, input and control over one socket of the page's own server. */

import { ControlChannel } from "../protocol/controlChannel.ts";
import type { Hello } from "../protocol/messages.ts";
import { type DecoderListener, type FrameDecoder, H264Decoder, ImageFrameDecoder } from "./decoders.ts";
import { type MediaFrame, parseMediaFrame } from "./mediaFrame.ts";
import type { Inbound, StatsSnapshot } from "./statistics.ts";
import type { FrameSink, MessageSender, Transport, TransportListener } from "./transport.ts";
import type { TransportName, TransportVariant } from "./transports.ts";

const KEY_FRAME_REQUEST_INTERVAL = 500;

export class WebSocketTransport implements Transport {
  readonly name: TransportName;
  readonly control: ControlChannel;
  readonly #socket: WebSocket;
  readonly #listener: TransportListener;
  readonly #decoder: FrameDecoder;
  readonly #counters = new ReceiveCounters();
  #hello: Hello | null = null;
  #presentMs: number | null = null;
  #isPaused = false;
  #keyFrameRequestedAt = Number.NEGATIVE_INFINITY;

  constructor(
    name: "websocket" | "images" | "comm",
    socket: WebSocket,
    sink: FrameSink,
    listener: TransportListener,
    signal: AbortSignal,
  ) {
    this.name = name;
    this.#socket = socket;
    this.#listener = listener;
    socket.binaryType = "arraybuffer";
    signal.addEventListener("abort", () => socket.close(), { once: true });
    if (signal.aborted) socket.close();
    const options = { signal };
    socket.addEventListener("open", () => this.#requestMedia(!this.#isPaused), options);
    socket.addEventListener("message", (event) => this.#receive(event.data), options);
    // Before the control channel's listener: the server's own reason is the better one.
    socket.addEventListener("close", (event) => listener.onLost(event.reason || "the connection was closed"), options);
    this.control = new ControlChannel(
      socket,
      {
        onHello: (hello) => {
          this.#hello = hello;
          listener.onInput(socket);
          listener.onHello(hello);
        },
        onState: (state) => listener.onState(state),
        onStats: (stats) => listener.onStats(stats),
        onControl: (update) => listener.onControl(update),
        onLost: (reason) => listener.onLost(reason),
      },
      signal,
    );
    const decoderListener: DecoderListener = {
      onDecoded: (frame, milliseconds) => {
        this.#counters.decoded(frame, milliseconds);
        this.#acknowledge(frame);
      },
      onSkipped: (frame) => {
        this.#acknowledge(frame); // the sender must not wait for it
        this.#requestKeyFrame();
      },
      onFailed: (reason) => listener.onLost(reason),
    };
    const onPresented = (milliseconds: number) => this.#presented(milliseconds);
    this.#decoder =
      name === "websocket"
        ? new H264Decoder(sink.openFrames(onPresented, signal), decoderListener, signal)
        : new ImageFrameDecoder(sink.openImages(onPresented, signal), decoderListener, signal);
  }

  get variant(): TransportVariant {
    return this.name;
  }

  get hello(): Hello | null {
    return this.#hello;
  }

  get input(): MessageSender | null {
    return this.#hello === null ? null : this.#socket;
  }

  async takeSnapshot(): Promise<StatsSnapshot> {
    const { roundTripMs } = this.control;
    return {
      transport: this.name,
      inbound: this.#counters.inbound,
      roundTrip: roundTripMs === null ? null : roundTripMs / 1000,
      presentMs: this.#presentMs,
      relay: null,
    };
  }

  /** TCP loses nothing, and the instance itself sends a key frame after frames that it left out. */
  needsKeyFrame(): boolean {
    return false;
  }

  pause(): boolean {
    this.#isPaused = true;
    this.#requestMedia(false);
    return true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#decoder.reset();
    this.#requestMedia(true);
  }

  #requestMedia(isWanted: boolean): void {
    const mode = this.name === "websocket" ? "h264" : "images";
    this.#send({ type: "media", mode: isWanted ? mode : "none", format: "jpeg" });
  }

  #requestKeyFrame(): void {
    const now = performance.now();
    if (now - this.#keyFrameRequestedAt < KEY_FRAME_REQUEST_INTERVAL) return;
    this.#keyFrameRequestedAt = now;
    this.control.request("key_frame").catch(() => {});
  }

  #receive(data: unknown): void {
    if (!(data instanceof ArrayBuffer)) return;
    const frame = parseMediaFrame(data);
    if (frame === null || this.#isPaused) return;
    if ((frame.kind === "h264") !== (this.name === "websocket")) return;
    this.#counters.received(frame, data.byteLength);
    this.#decoder.decode(frame);
  }

  #acknowledge({ number }: MediaFrame): void {
    this.#send({ type: "ack", number });
  }

  #presented(milliseconds: number): void {
    this.#presentMs = milliseconds;
    if (!this.#isPaused) this.#listener.onPresented();
  }

  #send(message: object): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}

/** Receive statistics as `getStats()` has them. */
export class ReceiveCounters {
  #bytes = 0;
  #received = 0;
  #decoded = 0;
  #decodeSeconds = 0;
  #jitterMs = 0;
  #transit: number | null = null;
  #size = { width: 0, height: 0 };

  received(frame: { sentAt: number }, bytes: number, now = performance.now()): void {
    this.#bytes += bytes;
    this.#received += 1;
    // As in RFC 3550; the offset of the two clocks cancels out.
    const transit = now - frame.sentAt;
    if (this.#transit !== null) this.#jitterMs += (Math.abs(transit - this.#transit) - this.#jitterMs) / 16;
    this.#transit = transit;
  }

  decoded(size: { width: number; height: number }, milliseconds: number): void {
    this.#decoded += 1;
    this.#decodeSeconds += milliseconds / 1000;
    this.#size = { width: size.width, height: size.height };
  }

  get inbound(): Inbound {
    return {
      timestamp: performance.now(),
      bytesReceived: this.#bytes,
      framesReceived: this.#received,
      framesDecoded: this.#decoded,
      totalDecodeTime: this.#decodeSeconds,
      frameWidth: this.#size.width,
      frameHeight: this.#size.height,
      jitter: this.#jitterMs / 1000,
    };
  }
}
