/** The date and time field: runs with the clock while it is not edited, applies an edit on Enter. */

import { formatTime, parseTime } from "./clock.ts";
import { focusedNear, make } from "../util/dom.ts";

export class TimeField {
  readonly root: HTMLElement;
  readonly #field: HTMLInputElement;

  constructor(onApply: (time: string) => void, signal: AbortSignal) {
    this.#field = make("input", {
      class: "osw-time",
      type: "text",
      size: 19,
      spellcheck: "false",
      autocomplete: "off",
      "aria-label": "Date and time, UTC. Enter applies",
      title: "Date and time (UTC): type and press Enter",
    });
    this.root = make(
      "label",
      { class: "osw-time-box" },
      this.#field,
      make("span", { class: "osw-unit", "aria-hidden": "true" }, "UTC"),
    );
    const options = { signal };
    this.#field.addEventListener(
      "keydown",
      (event) => {
        if (event.key === "Enter") {
          const time = parseTime(this.#field.value);
          this.#setInvalid(time === null);
          if (time === null) return;
          onApply(time);
          this.#field.blur();
        } else if (event.key === "Escape") {
          event.stopPropagation();
          this.#field.blur();
        }
      },
      options,
    );
    this.#field.addEventListener("input", () => this.#setInvalid(false), options);
    this.#field.addEventListener("focus", () => this.#field.select(), options);
    this.#field.addEventListener("blur", () => this.#setInvalid(false), options);
  }

  show(milliseconds: number): void {
    if (focusedNear(this.#field) === this.#field) return;
    const text = formatTime(milliseconds);
    if (text !== this.#field.value) this.#field.value = text;
  }

  set disabled(isDisabled: boolean) {
    this.#field.disabled = isDisabled;
  }

  #setInvalid(isInvalid: boolean): void {
    this.#field.setAttribute("aria-invalid", String(isInvalid));
    this.root.title = isInvalid ? "Write it like 2026-08-12 17:45" : "";
  }
}
