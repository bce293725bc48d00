/** The viewers panel: a button and a list of all viewers, with a button to give control to each that may have it. */

import type { ViewerInfo, ViewerList } from "../protocol/messages.ts";
import { displayName } from "../session/steering.ts";
import { make } from "../util/dom.ts";
import { icon } from "./icons.ts";
import { Popover } from "./popover.ts";

export interface ViewersCommands {
  /** Null while the instance cannot be asked. */
  list(): Promise<ViewerList | null>;
  giveControl(viewer: string): void;
}

export interface ViewerRow {
  readonly viewer: string;
  readonly name: string;
  readonly notes: readonly string[];
  /** Control can be given to this viewer. */
  readonly canReceiveControl: boolean;
}

/** Without the clients that show no frames (the kernel's). */
export function viewerRows({ you, viewers }: ViewerList): ViewerRow[] {
  const me = viewers.find(({ viewer }) => viewer === you);
  const canGive = me !== undefined && (me.owner || me.steers);
  return viewers
    .filter(({ transport }) => transport !== "bulk")
    .map((each) => ({
      viewer: each.viewer,
      name: each.owner ? "Owner" : displayName(each.viewer),
      notes: notesOf(each, you),
      canReceiveControl: canGive && !each.owner && !each.steers && (me.owner || each.role === "controller"),
    }));
}

function notesOf({ viewer, role, steers, asks, transport }: ViewerInfo, you: string): string[] {
  const state = steers ? "steers" : asks ? "asks for control" : role === "viewer" ? "watches" : "";
  return [viewer === you ? "you" : "", state, transport].filter((note) => note !== "");
}

export class ViewersPanel {
  readonly popover: Popover;
  readonly #commands: ViewersCommands;
  readonly #list = make("div", { class: "osw-rows" });

  constructor(commands: ViewersCommands, signal: AbortSignal) {
    this.#commands = commands;
    const label = "Viewers";
    const button = make("button", { class: "osw-button", type: "button", "aria-label": label, title: label });
    button.append(icon("viewers"));
    const onOpen = () => void this.#refresh();
    this.popover = new Popover(button, { role: "dialog", label, panel: this.#list, onOpen }, signal);
  }

  /** Refreshes an open panel: viewers came or left, or control has changed hands. */
  refresh(): void {
    if (this.popover.isOpen) void this.#refresh();
  }

  async #refresh(): Promise<void> {
    const list = await this.#commands.list();
    if (list === null) return;
    this.#list.replaceChildren(
      ...viewerRows(list).map((row) =>
        make(
          "div",
          { class: "osw-row" },
          make("span", { class: "osw-row-name" }, row.name),
          make("span", { class: "osw-menu-note" }, row.notes.join(", ")),
          row.canReceiveControl ? this.#giveButton(row) : null,
        ),
      ),
    );
  }

  #giveButton({ viewer, name }: ViewerRow): HTMLElement {
    const label = `Give control to ${name}`;
    const button = make("button", { class: "osw-button osw-ask", type: "button", "aria-label": label }, "Give control");
    button.addEventListener("click", () => {
      this.#commands.giveControl(viewer);
      this.popover.close();
      this.popover.button.focus({ preventScroll: true });
    });
    return button;
  }
}
