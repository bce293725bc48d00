/** The picture: the video or a painted surface, and what stands in for it while there is none. Tells when a frame was really shown. */

import type { PaintImage, OnPresented, FrameSink, ShowFrame } from "../transport/transport.ts";
import { make } from "../util/dom.ts";

/** Chromium's way to give a video element decoded frames; not in TypeScript's library. */
interface FrameTrack extends MediaStreamTrack {
  readonly writable: WritableStream<VideoFrame>;
}

declare global {
  var MediaStreamTrackGenerator: (new (kind: { kind: "video" }) => FrameTrack) | undefined;
}

type Source = HTMLVideoElement | HTMLCanvasElement;

export class Picture implements FrameSink {
  readonly root: HTMLElement;
  readonly video: HTMLVideoElement;
  readonly #poster: HTMLCanvasElement;
  readonly #still: HTMLImageElement;
  /** Where the frame is that is seen now. */
  #front: Source | null = null;
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
      class: "osw-picture",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "view of space",
      "aria-label":
        "View of space. Arrow keys orbit, plus and minus move nearer and farther, shift with left or right rolls, space pauses time, home returns, escape releases the keyboard.",
    });
    this.root.append(this.#still, this.video, this.#poster);
  }

  get frames(): number {
    return this.#frames;
  }

  /** A picture from elsewhere (data URL), shown until the first frame. */
  setStill(url: string): void {
    this.#still.hidden = url === "" || this.#frames > 0;
    if (url.startsWith("data:image/")) this.#still.src = url;
    else this.#still.hidden = true;
  }

  /** The video lies over the surfaces, and is seen through until its first frame. */
  playStream(stream: MediaStream, presented: OnPresented, signal: AbortSignal): void {
    this.#follow(this.video, stream, presented, signal);
  }

  /** Where a video element takes frames, the browser shows them without work of the page's own thread. */
  openFrames(presented: OnPresented, signal: AbortSignal): ShowFrame {
    if (signal.aborted) return (frame) => frame.close();
    if (globalThis.MediaStreamTrackGenerator === undefined) {
      const paint = this.openImages(presented, signal);
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
    this.#follow(video, new MediaStream([track]), presented, signal);
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

  #follow(video: HTMLVideoElement, stream: MediaStream, presented: OnPresented, signal: AbortSignal): void {
    if (signal.aborted) return;
    video.srcObject = stream;
    const play = () => void video.play().catch(() => {});
    // A video that is moved to another place of the page stops, and goes on for nobody.
    video.addEventListener("pause", play, { signal });
    play();
    const next = () =>
      video.requestVideoFrameCallback((_, frame) => {
        if (signal.aborted) return;
        this.#shown(video);
        presented(Math.max(0, frame.expectedDisplayTime - frame.presentationTime));
        next();
      });
    next();
    signal.addEventListener(
      "abort",
      () => {
        this.#leave(video);
        if (video.srcObject === stream) video.srcObject = null;
      },
      { once: true },
    );
  }

  openImages(presented: OnPresented, signal: AbortSignal): PaintImage {
    const canvas = make("canvas", { class: "osw-surface", "aria-hidden": "true" });
    const context = canvas.getContext("2d", { alpha: false });
    let painted = 0;
    let frame = 0;
    const tell = () => {
      frame = 0;
      this.#shown(canvas);
      presented(performance.now() - painted);
    };
    signal.addEventListener(
      "abort",
      () => {
        cancelAnimationFrame(frame);
        this.#leave(canvas);
        canvas.remove();
      },
      { once: true },
    );
    return (picture, width, height) => {
      if (signal.aborted) return;
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      painted = performance.now();
      context?.drawImage(picture, 0, 0, width, height);
      // In the page from the first picture on: an empty one would hide what lies below.
      if (!canvas.isConnected) this.root.insertBefore(canvas, this.video);
      if (frame === 0) frame = requestAnimationFrame(tell);
    };
  }

  /** The frame as it is now, without letter box. */
  async png(): Promise<Blob | null> {
    const canvas = this.#front ? draw(this.#front, document.createElement("canvas")) : this.#poster;
    if (canvas === null || canvas.width === 0) return null;
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }

  #shown(front: Source): void {
    this.#frames += 1;
    this.#front = front;
    this.#poster.hidden = true;
    this.#still.hidden = true;
  }

  /** The last frame stays until somebody else shows one. */
  #leave(source: Source): void {
    if (source !== this.#front) return;
    this.#front = null;
    if (draw(source, this.#poster) !== null) this.#poster.hidden = false;
  }
}

function draw(source: Source, canvas: HTMLCanvasElement): HTMLCanvasElement | null {
  const video = source instanceof HTMLVideoElement;
  const width = video ? source.videoWidth : source.width;
  const height = video ? source.videoHeight : source.height;
  if (width === 0 || height === 0) return null;
  canvas.width = width;
  canvas.height = height;
  try {
    canvas.getContext("2d")?.drawImage(source, 0, 0, width, height);
    return canvas;
  } catch {
    return null;
  }
}
