/** The target picker: a searchable list of targets to fly to. */

import type { Target } from "../protocol/messages.ts";
import { freshId, make } from "../util/dom.ts";
import { icon } from "./icons.ts";
import { Popover } from "./popover.ts";

/** Targets that match, best first: names that start with the text, words that do, then any that contain it. */
export function search(targets: readonly Target[], text: string): Target[] {
  const query = fold(text);
  if (query === "") return [...targets];
  const ranked = targets.flatMap((target) => {
    const name = fold(target.name);
    const rank = name.startsWith(query)
      ? 0
      : name.split(/[\s\-(]+/).some((word) => word.startsWith(query))
        ? 1
        : name.includes(query) || fold(target.identifier).includes(query)
          ? 2
          : fold(target.kind).startsWith(query)
            ? 3
            : null;
    return rank === null ? [] : [{ target, rank }];
  });
  return ranked.sort((a, b) => a.rank - b.rank).map(({ target }) => target);
}

function fold(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{Diacritic}/gu, "")
    .trim()
    .toLowerCase();
}

const MAX_SHOWN = 200;

export class TargetPicker {
  readonly root: HTMLElement;
  readonly popover: Popover;
  readonly #label = make("span", { class: "osw-button-label" }, "Target");
  readonly #field: HTMLInputElement;
  readonly #list: HTMLElement;
  readonly #empty = make("div", { class: "osw-empty", hidden: true }, "No target has this name");
  readonly #onChoose: (target: Target) => void;
  #targets: readonly Target[] = [];
  #found: Target[] = [];
  #active = 0;
  #focus = "";

  constructor(onChoose: (target: Target) => void, signal: AbortSignal) {
    this.#onChoose = onChoose;
    const listId = freshId("targets");
    this.#field = make("input", {
      class: "osw-search",
      type: "text",
      role: "combobox",
      placeholder: "Fly to…",
      autocomplete: "off",
      spellcheck: "false",
      "aria-label": "Search targets",
      "aria-autocomplete": "list",
      "aria-expanded": "true",
      "aria-controls": listId,
    });
    this.#list = make("div", { class: "osw-list", id: listId, role: "listbox", "aria-label": "Targets" });
    const button = make(
      "button",
      { class: "osw-button osw-wide osw-target", type: "button", title: "Fly to a target" },
      icon("target"),
      this.#label,
      icon("chevron"),
    );
    this.popover = new Popover(
      button,
      {
        role: "dialog",
        label: "Fly to a target",
        panel: make("div", { class: "osw-targets" }, this.#field, this.#list, this.#empty),
        onOpen: () => this.#opened(),
      },
      signal,
    );
    this.root = this.popover.root;
    this.#field.addEventListener("input", () => this.#search(), { signal });
    this.#field.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.#list.addEventListener("click", (event) => this.#click(event), { signal });
    // The field keeps the focus while the mouse chooses.
    this.#list.addEventListener("mousedown", (event) => event.preventDefault(), { signal });
    this.#show();
  }

  setTargets(targets: readonly Target[]): void {
    this.#targets = targets;
    this.#show();
    if (this.popover.isOpen) this.#search();
  }

  setFocus(identifier: string): void {
    if (identifier === this.#focus) return;
    this.#focus = identifier;
    this.#show();
  }

  #show(): void {
    const focus = this.#targets.find((target) => target.identifier === this.#focus);
    const name = focus?.name ?? this.#focus;
    this.#label.textContent = name || "Target";
    this.popover.button.setAttribute("aria-label", name ? `Target: ${name}. Fly to another` : "Fly to a target");
  }

  #opened(): void {
    this.#field.value = "";
    this.#search();
    const at = this.#found.findIndex((target) => target.identifier === this.#focus);
    this.#activate(Math.max(0, at));
    this.#field.focus({ preventScroll: true });
  }

  #search(): void {
    this.#found = search(this.#targets, this.#field.value).slice(0, MAX_SHOWN);
    this.#list.replaceChildren(
      ...this.#found.map((target, index) =>
        make(
          "div",
          {
            class: "osw-option",
            id: `${this.#list.id}-${index}`,
            role: "option",
            "aria-selected": "false",
            "data-index": index,
            "data-current": target.identifier === this.#focus,
          },
          make("span", { class: "osw-option-name" }, target.name),
          make("span", { class: "osw-option-kind" }, target.kind),
        ),
      ),
    );
    this.#empty.hidden = this.#found.length > 0;
    this.#list.hidden = this.#found.length === 0;
    this.#activate(0);
  }

  #activate(index: number): void {
    const options = [...this.#list.children];
    options[this.#active]?.setAttribute("aria-selected", "false");
    this.#active = index;
    const option = options[index] as HTMLElement | undefined;
    option?.setAttribute("aria-selected", "true");
    if (option) this.#field.setAttribute("aria-activedescendant", option.id);
    else this.#field.removeAttribute("aria-activedescendant");
    // Scrolls the list alone: scrollIntoView would move the notebook as well.
    if (option) {
      const { offsetTop: top, offsetHeight: height } = option;
      if (top < this.#list.scrollTop) this.#list.scrollTop = top;
      else if (top + height > this.#list.scrollTop + this.#list.clientHeight)
        this.#list.scrollTop = top + height - this.#list.clientHeight;
    }
  }

  #key(event: KeyboardEvent): void {
    const count = this.#found.length;
    if (event.key === "Enter") this.#choose(this.#active);
    else if (event.key === "ArrowDown" && count) this.#activate((this.#active + 1) % count);
    else if (event.key === "ArrowUp" && count) this.#activate((this.#active + count - 1) % count);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #click(event: MouseEvent): void {
    const option = (event.target as Element).closest<HTMLElement>(".osw-option");
    if (option) this.#choose(Number(option.dataset.index));
  }

  #choose(index: number): void {
    const target = this.#found[index];
    if (!target) return;
    this.popover.close();
    this.popover.button.focus({ preventScroll: true });
    this.#onChoose(target);
  }
}
