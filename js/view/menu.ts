/** A menu of grouped choices; arrow keys move, Enter chooses. */

import { focusedNear, make } from "../util/dom.ts";
import { icon } from "./icons.ts";

export interface Choice<Value> {
  label: string;
  value: Value;
  note?: string;
}

export interface Group<Value> {
  title: string;
  choices: readonly Choice<Value>[];
  isChosen(value: Value): boolean;
  onChoose(value: Value): void;
}

export class Menu {
  readonly root = make("div", { class: "osw-menu" });
  readonly #onChosen: () => void;
  #groups: Group<never>[] = [];

  constructor(onChosen: () => void, signal: AbortSignal) {
    this.#onChosen = onChosen;
    this.root.addEventListener("keydown", (event) => this.#key(event), { signal });
  }

  show<Value>(...groups: Group<Value>[]): void {
    this.#groups = groups as unknown as Group<never>[];
    this.#render();
  }

  /** Focuses the present choice. */
  focus(): void {
    const items = this.#items();
    (items.find((item) => item.getAttribute("aria-checked") === "true") ?? items[0])?.focus();
  }

  #render(): void {
    this.root.replaceChildren(
      ...this.#groups.map((group) => {
        const items = group.choices.map((choice) => this.#item(group, choice));
        return make(
          "div",
          { class: "osw-menu-group", role: "group", "aria-label": group.title },
          make("div", { class: "osw-menu-title", "aria-hidden": "true" }, group.title),
          ...items,
        );
      }),
    );
  }

  #item(group: Group<never>, choice: Choice<never>): HTMLElement {
    const item = make(
      "button",
      {
        class: "osw-menu-item",
        type: "button",
        role: "menuitemradio",
        tabindex: -1,
        "aria-checked": String(group.isChosen(choice.value)),
      },
      make("span", { class: "osw-menu-label" }, choice.label),
      choice.note ? make("span", { class: "osw-menu-note" }, choice.note) : null,
      icon("check"),
    );
    item.addEventListener("click", () => {
      group.onChoose(choice.value);
      this.#onChosen();
    });
    return item;
  }

  #items(): HTMLElement[] {
    return [...this.root.querySelectorAll<HTMLElement>(".osw-menu-item")];
  }

  #key(event: KeyboardEvent): void {
    const items = this.#items();
    const at = items.indexOf(focusedNear(this.root) as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    items.at(to % items.length)?.focus();
  }
}
