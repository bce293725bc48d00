/** The viewport: shows the frames of the transport in use, and the last frame or a still while there is none. */

import type { FrameSink, OnPresented, PaintImage, ShowFrame } from "../transport/transport.ts";
import { make } from "../util/dom.ts";

/** Chromium's way to give decoded frames to a video element; not in TypeScript's library. */
interface FrameTrack extends MediaStreamTrack {
  readonly writable: WritableStream<VideoFrame>;
}

declare global {
  var MediaStreamTrackGenerator: (new (kind: { kind: "video" }) => FrameTrack) | undefined;
}

type Surface = HTMLVideoElement | HTMLCanvasElement;

const LABEL =
  "View of space. Arrow keys orbit, plus and minus move nearer and farther, shift with left or right rolls, " +
  "space pauses time, home returns, escape releases the keyboard.";

export class Viewport implements FrameSink {
  readonly root: HTMLElement;
  readonly video: HTMLVideoElement;
  readonly #poster: HTMLCanvasElement;
  readonly #still: HTMLImageElement;
  /** The surface of the last presented frame. */
  #front: Surface | null = null;
  #frames = 0;

  constructor() {
    this.video = make("video", {
      class: "osw-video",
      autoplay: true,
      playsinline: true,
      "aria-hidden": "true",
      tabindex: -1,
    });
    // The attribute alone does not mute an element made by a script, and only a muted one may start by itself.
    this.video.muted = true;
    this.video.disablePictureInPicture = true;
    this.#poster = make("canvas", { class: "osw-poster", hidden: true, "aria-hidden": "true" });
    this.#still = make("img", { class: "osw-still", hidden: true, alt: "" });
    this.root = make("div", {
      class: "osw-viewport",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "view of space",
      "aria-label": LABEL,
    });
    this.root.append(this.#still, this.video, this.#poster);
  }

  /** How many frames were presented. */
  get frames(): number {
    return this.#frames;
  }

  /** A still (data URL), shown until the first frame. */
  setStill(url: string): void {
    this.#still.hidden = url === "" || this.#frames > 0;
    if (url.startsWith("data:image/")) this.#still.src = url;
    else this.#still.hidden = true;
  }

  /** The stream's video element is above the other surfaces, and transparent until its first frame. */
  playStream(stream: MediaStream, onPresented: OnPresented, signal: AbortSignal): void {
    this.#play(this.video, stream, onPresented, signal);
  }

  /** Where a video element takes decoded frames, the browser shows them without work on the page's main thread. */
  openFrames(onPresented: OnPresented, signal: AbortSignal): ShowFrame {
    if (signal.aborted) return (frame) => frame.close();
    if (globalThis.MediaStreamTrackGenerator === undefined) {
      const paint = this.openImages(onPresented, signal);
      return (frame) => {
        paint(frame, frame.displayWidth, frame.displayHeight);
        frame.close();
      };
    }
    const track = new globalThis.MediaStreamTrackGenerator({ kind: "video" });
    const writer = track.writable.getWriter();
    const video = make("video", { class: "osw-surface", playsinline: true, "aria-hidden": "true", tabindex: -1 });
    video.muted = true;
    video.disablePictureInPicture = true;
    this.root.insertBefore(video, this.video);
    this.#play(video, new MediaStream([track]), onPresented, signal);
    signal.addEventListener(
      "abort",
      () => {
        track.stop();
        video.remove();
      },
      { once: true },
    );
    return (frame) => {
      if (signal.aborted) frame.close();
      else writer.write(frame).catch(() => frame.close());
    };
  }

  openImages(onPresented: OnPresented, signal: AbortSignal): PaintImage {
    const canvas = make("canvas", { class: "osw-surface", "aria-hidden": "true" });
    const context = canvas.getContext("2d", { alpha: false });
    let paintedAt = 0;
    let animation = 0;
    const presented = () => {
      animation = 0;
      this.#presented(canvas);
      onPresented(performance.now() - paintedAt);
    };
    signal.addEventListener(
      "abort",
      () => {
        cancelAnimationFrame(animation);
        this.#retire(canvas);
        canvas.remove();
      },
      { once: true },
    );
    return (image, width, height) => {
      if (signal.aborted) return;
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      paintedAt = performance.now();
      context?.drawImage(image, 0, 0, width, height);
      // In the page from the first image on: an empty canvas would hide the surfaces below it.
      if (!canvas.isConnected) this.root.insertBefore(canvas, this.video);
      if (animation === 0) animation = requestAnimationFrame(presented);
    };
  }

  /** The present frame, without letterbox. */
  async png(): Promise<Blob | null> {
    const canvas = this.#front ? draw(this.#front, document.createElement("canvas")) : this.#poster;
    if (canvas === null || canvas.width === 0) return null;
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }

  #play(video: HTMLVideoElement, stream: MediaStream, onPresented: OnPresented, signal: AbortSignal): void {
    if (signal.aborted) return;
    video.srcObject = stream;
    const play = () => void video.play().catch(() => {});
    // A video element that is moved within the page pauses, and does not resume by itself.
    video.addEventListener("pause", play, { signal });
    play();
    const next = () =>
      video.requestVideoFrameCallback((_, frame) => {
        if (signal.aborted) return;
        this.#presented(video);
        onPresented(Math.max(0, frame.expectedDisplayTime - frame.presentationTime));
        next();
      });
    next();
    signal.addEventListener(
      "abort",
      () => {
        this.#retire(video);
        if (video.srcObject === stream) video.srcObject = null;
      },
      { once: true },
    );
  }

  #presented(surface: Surface): void {
    this.#frames += 1;
    this.#front = surface;
    this.#poster.hidden = true;
    this.#still.hidden = true;
  }

  /** Keeps the surface's last frame until another surface presents one. */
  #retire(surface: Surface): void {
    if (surface !== this.#front) return;
    this.#front = null;
    if (draw(surface, this.#poster) !== null) this.#poster.hidden = false;
  }
}

function draw(surface: Surface, canvas: HTMLCanvasElement): HTMLCanvasElement | null {
  const isVideo = surface instanceof HTMLVideoElement;
  const width = isVideo ? surface.videoWidth : surface.width;
  const height = isVideo ? surface.videoHeight : surface.height;
  if (width === 0 || height === 0) return null;
  canvas.width = width;
  canvas.height = height;
  try {
    canvas.getContext("2d")?.drawImage(surface, 0, 0, width, height);
    return canvas;
  } catch {
    return null;
  }
}
