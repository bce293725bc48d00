/** From the media socket's messages to pictures on a surface. */

import type { Paint, Show } from "./transport.ts";
import { codecOf, type MediaPicture } from "./mediaFrame.ts";

export interface PainterEvents {
  /** The picture with this number is on its way to the screen; decoding took so long. */
  handedOver(picture: MediaPicture, milliseconds: number): void;
  /** The picture with this number will not be shown: a key frame is needed first. */
  skipped(picture: MediaPicture): void;
  failed(reason: string): void;
}

export interface Painter {
  take(picture: MediaPicture): void;
  /** What comes next has nothing to do with what came before. */
  reset(): void;
}

interface Waiting {
  picture: MediaPicture;
  at: number;
}

/** H.264 through WebCodecs. */
export class VideoPainter implements Painter {
  readonly #show: Show;
  readonly #events: PainterEvents;
  #decoder: VideoDecoder | null = null;
  #configured = "";
  #waiting: Waiting[] = [];
  #lastAt = 0;

  constructor(show: Show, events: PainterEvents, signal: AbortSignal) {
    this.#show = show;
    this.#events = events;
    signal.addEventListener("abort", () => this.reset(), { once: true });
  }

  take(picture: MediaPicture): void {
    if (picture.key) this.#configure(picture);
    if (this.#decoder === null) return this.#events.skipped(picture);
    const timestamp = Math.round(picture.timestamp);
    this.#waiting.push({ picture: { ...picture, timestamp }, at: performance.now() });
    try {
      this.#decoder.decode(
        new EncodedVideoChunk({ type: picture.key ? "key" : "delta", timestamp, data: picture.data }),
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  reset(): void {
    const decoder = this.#decoder;
    this.#decoder = null;
    this.#configured = "";
    this.#waiting = [];
    if (decoder !== null && decoder.state !== "closed") decoder.close();
  }

  /** A new size is a new configuration: not every decoder takes it from the stream. */
  #configure(picture: MediaPicture): void {
    const codec = codecOf(picture.data) ?? "avc1.42e01f";
    const configuration = `${codec} ${picture.width}x${picture.height}`;
    if (configuration === this.#configured) return;
    this.reset();
    const decoder = new VideoDecoder({
      output: (frame) => this.#decoded(frame, decoder),
      error: (error) => {
        if (decoder === this.#decoder) this.#fail(error);
      },
    });
    try {
      // No description: the parameter sets come with the key frames.
      decoder.configure({
        codec,
        codedWidth: picture.width,
        codedHeight: picture.height,
        optimizeForLatency: true,
      });
    } catch (error) {
      return this.#fail(error);
    }
    this.#decoder = decoder;
    this.#configured = configuration;
  }

  #decoded(frame: VideoFrame, decoder: VideoDecoder): void {
    const now = performance.now();
    const at = this.#waiting.findIndex(({ picture }) => picture.timestamp === frame.timestamp);
    const waiting = this.#waiting[at];
    this.#waiting.splice(0, at + 1);
    if (decoder === this.#decoder) this.#show(frame);
    else frame.close();
    // What it waited for the one before is not its own time: the instance takes the sum for the decoder's load.
    if (waiting) this.#events.handedOver(waiting.picture, now - Math.max(waiting.at, this.#lastAt));
    this.#lastAt = now;
  }

  #fail(error: unknown): void {
    this.reset();
    this.#events.failed(`this browser cannot decode the video: ${String(error)}`);
  }
}

/** Single images; the next one comes when this one was acknowledged. */
export class ImagePainter implements Painter {
  readonly #paint: Paint;
  readonly #events: PainterEvents;
  readonly #signal: AbortSignal;

  constructor(paint: Paint, events: PainterEvents, signal: AbortSignal) {
    this.#paint = paint;
    this.#events = events;
    this.#signal = signal;
  }

  take(picture: MediaPicture): void {
    const began = performance.now();
    createImageBitmap(new Blob([picture.data], { type: `image/${picture.kind}` })).then(
      (bitmap) => {
        const now = performance.now();
        if (!this.#signal.aborted) this.#paint(bitmap, bitmap.width, bitmap.height);
        bitmap.close();
        if (!this.#signal.aborted) this.#events.handedOver(picture, now - began);
      },
      (error: unknown) => {
        if (!this.#signal.aborted) this.#events.failed(`this browser cannot show the images: ${String(error)}`);
      },
    );
  }

  reset(): void {}
}
