/** The picture: the video, and what stands in for it while there is none. Tells when a frame was really shown. */

import { make } from "./dom.ts";

export class Picture {
  readonly root: HTMLElement;
  readonly video: HTMLVideoElement;
  readonly #poster: HTMLCanvasElement;
  readonly #still: HTMLImageElement;
  readonly #presented: () => void;
  #generation = 0;
  #hasFrame = false;
  #frames = 0;

  constructor(presented: () => void, signal: AbortSignal) {
    this.#presented = presented;
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
    signal.addEventListener("abort", () => this.show(null), { once: true });
  }

  get frames(): number {
    return this.#frames;
  }

  get hasFrame(): boolean {
    return this.#hasFrame;
  }

  /** A picture from elsewhere (data URL), shown until the first frame. */
  setStill(url: string): void {
    this.#still.hidden = url === "" || this.#frames > 0;
    if (url.startsWith("data:image/")) this.#still.src = url;
    else this.#still.hidden = true;
  }

  show(stream: MediaStream | null): void {
    this.#generation += 1;
    this.#keepLastFrame();
    this.#hasFrame = false;
    this.video.srcObject = stream;
    if (stream === null) return;
    this.video.play().catch(() => {});
    this.#await(this.#generation);
  }

  /** The frame as it is now, without letter box. */
  async png(): Promise<Blob | null> {
    const canvas = this.#hasFrame ? this.#draw(document.createElement("canvas")) : this.#poster;
    if (canvas === null || canvas.width === 0) return null;
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }

  #await(generation: number): void {
    this.video.requestVideoFrameCallback(() => {
      if (generation !== this.#generation) return;
      this.#frames += 1;
      if (!this.#hasFrame) {
        this.#hasFrame = true;
        this.#poster.hidden = true;
        this.#still.hidden = true;
      }
      this.#presented();
      this.#await(generation);
    });
  }

  #keepLastFrame(): void {
    if (this.#hasFrame && this.#draw(this.#poster) !== null) this.#poster.hidden = false;
  }

  #draw(canvas: HTMLCanvasElement): HTMLCanvasElement | null {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (width === 0 || height === 0) return null;
    canvas.width = width;
    canvas.height = height;
    try {
      canvas.getContext("2d")?.drawImage(this.video, 0, 0, width, height);
      return canvas;
    } catch {
      return null;
    }
  }
}
