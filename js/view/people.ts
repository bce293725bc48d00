/** Who is here: a button with a panel that lists everybody, and gives control to whom it is clicked for. */

import type { ViewerInfo, ViewerList } from "../protocol/messages.ts";
import { displayName } from "../session/steering.ts";
import { make } from "../util/dom.ts";
import { icon } from "./icons.ts";
import { Popover } from "./popover.ts";

export interface PeopleCommands {
  /** Null where it cannot be told now. */
  who(): Promise<ViewerList | null>;
  give(viewer: string): void;
}

export interface Person {
  readonly viewer: string;
  readonly name: string;
  readonly notes: readonly string[];
  /** Control can be given to this one. */
  readonly givable: boolean;
}

/** Programs that hold no picture (the kernel) are no people. */
export function peopleOf({ you, viewers }: ViewerList): Person[] {
  const me = viewers.find(({ viewer }) => viewer === you);
  const gives = me !== undefined && (me.owner || me.steers);
  return viewers
    .filter(({ transport }) => transport !== "bulk")
    .map((one) => ({
      viewer: one.viewer,
      name: one.owner ? "Owner" : displayName(one.viewer),
      notes: notesOn(one, you),
      givable: gives && !one.owner && !one.steers && (me.owner || one.role === "controller"),
    }));
}

function notesOn({ viewer, role, steers, asks, transport }: ViewerInfo, you: string): string[] {
  const state = steers ? "steers" : asks ? "asks for control" : role === "viewer" ? "watches" : "";
  return [viewer === you ? "you" : "", state, transport].filter((note) => note !== "");
}

export class People {
  readonly popover: Popover;
  readonly #commands: PeopleCommands;
  readonly #list = make("div", { class: "osw-people" });

  constructor(commands: PeopleCommands, signal: AbortSignal) {
    this.#commands = commands;
    const label = "Who is here";
    const button = make("button", { class: "osw-button", type: "button", "aria-label": label, title: label });
    button.append(icon("people"));
    const opened = () => void this.#refresh();
    this.popover = new Popover(button, { role: "dialog", label, panel: this.#list, opened }, signal);
  }

  /** Somebody came or left, or control went to another. */
  changed(): void {
    if (this.popover.isOpen) void this.#refresh();
  }

  async #refresh(): Promise<void> {
    const here = await this.#commands.who();
    if (here === null) return;
    this.#list.replaceChildren(
      ...peopleOf(here).map((person) =>
        make(
          "div",
          { class: "osw-person" },
          make("span", { class: "osw-person-name" }, person.name),
          make("span", { class: "osw-menu-note" }, person.notes.join(", ")),
          person.givable ? this.#giving(person) : null,
        ),
      ),
    );
  }

  #giving({ viewer, name }: Person): HTMLElement {
    const label = `Give control to ${name}`;
    const button = make("button", { class: "osw-button osw-ask", type: "button", "aria-label": label }, "Give control");
    button.addEventListener("click", () => {
      this.#commands.give(viewer);
      this.popover.close();
      this.popover.button.focus({ preventScroll: true });
    });
    return button;
  }
}
