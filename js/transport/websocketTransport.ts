/** Pictures, input and conversation over one WebSocket of the page's own server: where WebRTC does not pass. */

import { ControlChannel } from "../protocol/controlChannel.ts";
import type { Link, LinkEvents, Screen, Sending } from "./transport.ts";
import { type MediaPicture, readPicture } from "./mediaFrame.ts";
import type { Hello } from "../protocol/messages.ts";
import { ImagePainter, type Painter, type PainterEvents, VideoPainter } from "./decoders.ts";
import type { Rung, Way } from "./transports.ts";
import type { Inbound, Look } from "./statistics.ts";

const ASK_KEY_FRAME_EVERY = 500;

export class MediaLink implements Link {
  readonly rung: Rung;
  readonly control: ControlChannel;
  readonly #socket: WebSocket;
  readonly #events: LinkEvents;
  readonly #painter: Painter;
  readonly #received = new Received();
  #hello: Hello | null = null;
  #presentMs: number | null = null;
  #paused = false;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(
    rung: "websocket" | "images" | "comm",
    socket: WebSocket,
    screen: Screen,
    events: LinkEvents,
    signal: AbortSignal,
  ) {
    this.rung = rung;
    this.#socket = socket;
    this.#events = events;
    socket.binaryType = "arraybuffer";
    signal.addEventListener("abort", () => socket.close(), { once: true });
    if (signal.aborted) socket.close();
    const options = { signal };
    socket.addEventListener("open", () => this.#askFor(!this.#paused), options);
    socket.addEventListener("message", (event) => this.#receive(event.data), options);
    // Before the control's listener: the server's own reason is the better one.
    socket.addEventListener("close", (event) => events.lost(event.reason || "the connection was closed"), options);
    this.control = new ControlChannel(
      socket,
      {
        onHello: (hello) => {
          this.#hello = hello;
          events.input(socket);
          events.hello(hello);
        },
        onState: (state) => events.state(state),
        onStats: (stats) => events.stats(stats),
        onControl: (update) => events.control(update),
        onLost: (reason) => events.lost(reason),
      },
      signal,
    );
    const painting: PainterEvents = {
      handedOver: (picture, milliseconds) => {
        this.#received.decoded(picture, milliseconds);
        this.#acknowledge(picture);
      },
      skipped: (picture) => {
        this.#acknowledge(picture); // the sender must not wait for it
        this.#askKeyFrame();
      },
      failed: (reason) => events.lost(reason),
    };
    const presented = (milliseconds: number) => this.#presented(milliseconds);
    this.#painter =
      rung === "websocket"
        ? new VideoPainter(screen.decoded(presented, signal), painting, signal)
        : new ImagePainter(screen.surface(presented, signal), painting, signal);
  }

  get way(): Way {
    return this.rung;
  }

  get hello(): Hello | null {
    return this.#hello;
  }

  get input(): Sending | null {
    return this.#hello === null ? null : this.#socket;
  }

  async look(): Promise<Look> {
    const seconds = this.control.roundTripMs === null ? null : this.control.roundTripMs / 1000;
    return {
      rung: this.rung,
      inbound: this.#received.inbound,
      roundTrip: seconds,
      presentMs: this.#presentMs,
      relay: null,
    };
  }

  /** TCP loses nothing, and the instance itself sends a key frame after those it left out. */
  needsKeyFrame(): boolean {
    return false;
  }

  pause(): boolean {
    this.#paused = true;
    this.#askFor(false);
    return true;
  }

  resume(): void {
    this.#paused = false;
    this.#painter.reset();
    this.#askFor(true);
  }

  #askFor(pictures: boolean): void {
    const mode = this.rung === "websocket" ? "h264" : "images";
    this.#send({ type: "media", mode: pictures ? mode : "none", format: "jpeg" });
  }

  #askKeyFrame(): void {
    const now = performance.now();
    if (now - this.#askedAt < ASK_KEY_FRAME_EVERY) return;
    this.#askedAt = now;
    this.control.request("key_frame").catch(() => {});
  }

  #receive(data: unknown): void {
    if (!(data instanceof ArrayBuffer)) return;
    const picture = readPicture(data);
    if (picture === null || this.#paused) return;
    if ((picture.kind === "h264") !== (this.rung === "websocket")) return;
    this.#received.arrived(picture, data.byteLength);
    this.#painter.take(picture);
  }

  #acknowledge(picture: MediaPicture): void {
    this.#send({ type: "ack", number: picture.number });
  }

  #presented(milliseconds: number): void {
    this.#presentMs = milliseconds;
    if (!this.#paused) this.#events.presented();
  }

  #send(message: object): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}

/** Counts as `getStats()` would. */
export class Received {
  #bytes = 0;
  #arrived = 0;
  #decoded = 0;
  #decodeSeconds = 0;
  #jitterMs = 0;
  #transit: number | null = null;
  #size = { width: 0, height: 0 };

  arrived(picture: { sentAt: number }, bytes: number, now = performance.now()): void {
    this.#bytes += bytes;
    this.#arrived += 1;
    // As RFC 3550 has it; the two clocks' distance falls out.
    const transit = now - picture.sentAt;
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
      framesReceived: this.#arrived,
      framesDecoded: this.#decoded,
      totalDecodeTime: this.#decodeSeconds,
      frameWidth: this.#size.width,
      frameHeight: this.#size.height,
      jitter: this.#jitterMs / 1000,
    };
  }
}
