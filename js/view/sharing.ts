/** The sharing panel: a button and a panel that creates, copies and revokes share links. */

import type { Role } from "../protocol/messages.ts";
import type { Share, Shares } from "../session/shares.ts";
import { make } from "../util/dom.ts";
import { icon } from "./icons.ts";
import { Popover } from "./popover.ts";

const ROLES: readonly [Role, string][] = [
  ["viewer", "can watch and ask for control"],
  ["controller", "can steer when the owner releases control"],
];
const DURATIONS: readonly [number, string][] = [
  [1, "for an hour"],
  [24, "for a day"],
  [168, "for a week"],
];

export class SharingPanel {
  readonly popover: Popover;
  readonly #role = choice("Who opens the link", ROLES);
  readonly #hours = choice("For how long", DURATIONS);
  readonly #create = make("button", { class: "osw-button osw-ask", type: "button" }, "Copy a new link");
  readonly #link = make("input", { class: "osw-link", readonly: true, "aria-label": "The link", hidden: true });
  readonly #note = make("div", { class: "osw-menu-note", role: "status" });
  readonly #list = make("div", { class: "osw-rows" });
  #shares: Shares | null = null;

  constructor(signal: AbortSignal) {
    const label = "Share";
    const button = make("button", { class: "osw-button", type: "button", "aria-label": label, title: label });
    button.append(icon("share"));
    const panel = make(
      "div",
      { class: "osw-sharing" },
      make("div", { class: "osw-sharing-row" }, this.#role, this.#hours, this.#create),
      this.#link,
      this.#note,
      this.#list,
    );
    this.popover = new Popover(button, { role: "dialog", label, panel, onOpen: () => this.#opened() }, signal);
    this.#create.addEventListener("click", () => void this.#createLink(), { signal });
    this.setShares(null);
  }

  /** Null for viewers that may not share the session. */
  setShares(shares: Shares | null): void {
    this.#shares = shares;
    this.popover.root.hidden = shares === null;
    if (shares === null) this.popover.close();
  }

  #opened(): void {
    this.#link.hidden = true;
    this.#note.textContent = "";
    void this.#refresh();
  }

  async #createLink(): Promise<void> {
    await this.#attempt(async (shares) => {
      this.#link.value = await shares.create(this.#role.value as Role, Number(this.#hours.value));
      this.#link.hidden = false;
      this.#link.select();
      // Some pages may not write to the clipboard: the link is selected, to be copied by hand.
      const isCopied = await navigator.clipboard?.writeText(this.#link.value).then(
        () => true,
        () => false,
      );
      this.#note.textContent = isCopied ? "Copied." : "Copy it from here; it is shown only once.";
    });
    await this.#refresh();
  }

  async #refresh(): Promise<void> {
    await this.#attempt(async (shares) => {
      this.#list.replaceChildren(...(await shares.list()).map((share) => this.#row(share)));
    });
  }

  #row(share: Share): HTMLElement {
    const name = share.role === "viewer" ? "Link to watch" : "Link to steer";
    const until = `until ${new Date(share.expires).toLocaleString([], { dateStyle: "short", timeStyle: "short" })}`;
    const label = `Revoke ${name.toLowerCase()}, ${until}`;
    const revoke = make("button", { class: "osw-button osw-ask", type: "button", "aria-label": label }, "Revoke");
    revoke.addEventListener("click", () => {
      revoke.disabled = true;
      void this.#attempt((shares) => shares.revoke(share.id)).then(() => this.#refresh());
    });
    return make(
      "div",
      { class: "osw-row" },
      make("span", { class: "osw-row-name" }, name),
      make("span", { class: "osw-menu-note" }, until),
      revoke,
    );
  }

  async #attempt(act: (shares: Shares) => Promise<void>): Promise<void> {
    if (this.#shares === null) return;
    try {
      await act(this.#shares);
    } catch (error) {
      this.#note.textContent = error instanceof Error ? error.message : String(error);
    }
  }
}

function choice<Value extends string | number>(label: string, choices: readonly [Value, string][]): HTMLSelectElement {
  return make(
    "select",
    { class: "osw-select", "aria-label": label },
    ...choices.map(([value, text]) => make("option", { value }, text)),
  );
}
