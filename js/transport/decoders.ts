/** Frame decoders for the media socket: H.264 through WebCodecs, and single images. */

import type { PaintImage, ShowFrame } from "./transport.ts";
import { codecString, type MediaFrame } from "./mediaFrame.ts";

export interface DecoderListener {
  /** The frame was handed to the screen after `milliseconds` of decoding. */
  onDecoded(frame: MediaFrame, milliseconds: number): void;
  /** The frame will not be shown: a key frame is needed first. */
  onSkipped(frame: MediaFrame): void;
  onFailed(reason: string): void;
}

export interface FrameDecoder {
  decode(frame: MediaFrame): void;
  /** The next frame does not continue the ones before it. */
  reset(): void;
}

interface PendingFrame {
  frame: MediaFrame;
  queuedAt: number;
}

/** H.264 through WebCodecs. */
export class H264Decoder implements FrameDecoder {
  readonly #show: ShowFrame;
  readonly #listener: DecoderListener;
  #decoder: VideoDecoder | null = null;
  #configuration = "";
  #pending: PendingFrame[] = [];
  #lastDecodedAt = 0;

  constructor(show: ShowFrame, listener: DecoderListener, signal: AbortSignal) {
    this.#show = show;
    this.#listener = listener;
    signal.addEventListener("abort", () => this.reset(), { once: true });
  }

  decode(frame: MediaFrame): void {
    if (frame.isKey) this.#configure(frame);
    if (this.#decoder === null) return this.#listener.onSkipped(frame);
    const timestamp = Math.round(frame.timestamp);
    this.#pending.push({ frame: { ...frame, timestamp }, queuedAt: performance.now() });
    try {
      this.#decoder.decode(new EncodedVideoChunk({ type: frame.isKey ? "key" : "delta", timestamp, data: frame.data }));
    } catch (error) {
      this.#fail(error);
    }
  }

  reset(): void {
    const decoder = this.#decoder;
    this.#decoder = null;
    this.#configuration = "";
    this.#pending = [];
    if (decoder !== null && decoder.state !== "closed") decoder.close();
  }

  /** A new size is a new configuration: not every decoder takes it from the stream. */
  #configure(frame: MediaFrame): void {
    const codec = codecString(frame.data) ?? "avc1.42e01f";
    const configuration = `${codec} ${frame.width}x${frame.height}`;
    if (configuration === this.#configuration) return;
    this.reset();
    const decoder = new VideoDecoder({
      output: (decoded) => this.#decoded(decoded, decoder),
      error: (error) => {
        if (decoder === this.#decoder) this.#fail(error);
      },
    });
    try {
      // No description: the parameter sets come with the key frames.
      decoder.configure({
        codec,
        codedWidth: frame.width,
        codedHeight: frame.height,
        optimizeForLatency: true,
      });
    } catch (error) {
      return this.#fail(error);
    }
    this.#decoder = decoder;
    this.#configuration = configuration;
  }

  #decoded(decoded: VideoFrame, decoder: VideoDecoder): void {
    const now = performance.now();
    const index = this.#pending.findIndex(({ frame }) => frame.timestamp === decoded.timestamp);
    const pending = this.#pending[index];
    this.#pending.splice(0, index + 1);
    if (decoder === this.#decoder) this.#show(decoded);
    else decoded.close();
    // Without the wait for the frame before it: the instance takes the sum for the decoder's load.
    if (pending) this.#listener.onDecoded(pending.frame, now - Math.max(pending.queuedAt, this.#lastDecodedAt));
    this.#lastDecodedAt = now;
  }

  #fail(error: unknown): void {
    this.reset();
    this.#listener.onFailed(`this browser cannot decode the video: ${String(error)}`);
  }
}

/** Single images; the instance sends the next one after the acknowledgement. */
export class ImageFrameDecoder implements FrameDecoder {
  readonly #paint: PaintImage;
  readonly #listener: DecoderListener;
  readonly #signal: AbortSignal;

  constructor(paint: PaintImage, listener: DecoderListener, signal: AbortSignal) {
    this.#paint = paint;
    this.#listener = listener;
    this.#signal = signal;
  }

  decode(frame: MediaFrame): void {
    const startedAt = performance.now();
    createImageBitmap(new Blob([frame.data], { type: `image/${frame.kind}` })).then(
      (bitmap) => {
        const now = performance.now();
        if (!this.#signal.aborted) this.#paint(bitmap, bitmap.width, bitmap.height);
        bitmap.close();
        if (!this.#signal.aborted) this.#listener.onDecoded(frame, now - startedAt);
      },
      (error: unknown) => {
        if (!this.#signal.aborted) this.#listener.onFailed(`this browser cannot decode the images: ${String(error)}`);
      },
    );
  }

  reset(): void {}
}
