/** The status chip: visible only while there is something to say. */

import { make } from "../util/dom.ts";

export interface Status {
  tone: "busy" | "quiet" | "warning" | "error";
  title: string;
  /** The reason, and what to do. */
  detail?: string;
}

export class Chip {
  readonly root: HTMLElement;
  readonly #title = make("span", { class: "osw-chip-title" });
  readonly #detail = make("span", { class: "osw-chip-detail" });
  #shown = "";

  constructor() {
    this.root = make(
      "div",
      { class: "osw-chip", role: "status", "aria-live": "polite" },
      make("span", { class: "osw-chip-dot", "aria-hidden": "true" }),
      make("span", { class: "osw-chip-text" }, this.#title, this.#detail),
    );
    this.show(null);
  }

  show(status: Status | null): void {
    const shown = JSON.stringify(status);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.root.classList.toggle("osw-off", status === null);
    if (status === null) {
      // Emptied as well as hidden, so that screen readers announce the next text even if it is the same.
      this.#title.textContent = "";
      this.#detail.textContent = "";
      return;
    }
    this.root.dataset.tone = status.tone;
    this.#title.textContent = status.title;
    this.#detail.textContent = status.detail ?? "";
  }
}
