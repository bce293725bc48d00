/** A button with a panel above it; Escape, and a click or the focus elsewhere, close the panel. */

import { childOf } from "../util/abort.ts";
import { freshId, make } from "../util/dom.ts";

export interface PopoverContent {
  /** The kind of panel, for screen readers. */
  role: "menu" | "dialog";
  label: string;
  panel: HTMLElement;
  onOpen(): void;
}

export class Popover {
  readonly root: HTMLElement;
  readonly button: HTMLButtonElement;
  readonly #panel: HTMLElement;
  readonly #content: PopoverContent;
  readonly #signal: AbortSignal;
  #openLife: AbortController | null = null;

  constructor(button: HTMLButtonElement, content: PopoverContent, signal: AbortSignal) {
    this.button = button;
    this.#content = content;
    this.#signal = signal;
    const id = freshId("panel");
    this.#panel = make(
      "div",
      { class: "osw-panel", id, role: content.role, "aria-label": content.label, hidden: true },
      content.panel,
    );
    button.setAttribute("aria-haspopup", content.role);
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-controls", id);
    this.root = make("div", { class: "osw-popover" }, button, this.#panel);
    button.addEventListener("click", () => (this.#openLife ? this.close() : this.open()), { signal });
    button.addEventListener(
      "keydown",
      (event) => {
        if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
        event.preventDefault();
        this.open();
      },
      { signal },
    );
    this.root.addEventListener(
      "keydown",
      (event) => {
        if (event.key !== "Escape" || !this.#openLife) return;
        event.preventDefault();
        event.stopPropagation();
        this.close();
        button.focus();
      },
      { signal },
    );
  }

  get isOpen(): boolean {
    return this.#openLife !== null;
  }

  open(): void {
    if (this.#openLife) return;
    const life = childOf(this.#signal);
    this.#openLife = life;
    this.#panel.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    const closeOutside = (event: Event) => {
      if (!event.composedPath().includes(this.root)) this.close();
    };
    document.addEventListener("pointerdown", closeOutside, { signal: life.signal, capture: true });
    this.root.addEventListener(
      "focusout",
      (event) => {
        if (event.relatedTarget instanceof Node && !this.root.contains(event.relatedTarget)) this.close();
      },
      { signal: life.signal },
    );
    this.#content.onOpen();
  }

  close(): void {
    this.#openLife?.abort();
    this.#openLife = null;
    this.#panel.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
  }
}
