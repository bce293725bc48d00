/** The control bar: what can be done with the view, in the order it is used. */

import type { RemoteState, Target, ViewerList } from "../protocol/messages.ts";
import type { SteeringAction, Steering } from "../session/steering.ts";
import type { Shares } from "../session/shares.ts";
import { formatRate, RATES } from "./clock.ts";
import { ControlButtons } from "./controlButtons.ts";
import { make } from "../util/dom.ts";
import { type IconName, icon } from "./icons.ts";
import { type Group, Menu } from "./menu.ts";
import { People } from "./people.ts";
import { Popover } from "./popover.ts";
import { type BitRateChoice, chosenFrameRate, FRAME_RATES, type FrameRateChoice, formatBitRate } from "./quality.ts";
import { Sharing } from "./sharing.ts";
import { TargetPicker } from "./targets.ts";
import { TimeField } from "./timeField.ts";

export interface BarCommands {
  setPaused(paused: boolean): void;
  setRate(rate: number): void;
  setTime(time: string): void;
  flyTo(target: Target): void;
  home(): void;
  still(): void;
  showStats(shown: boolean): void;
  setFrameRate(choice: FrameRateChoice): void;
  setBitRate(choice: BitRateChoice): void;
  toggleFullscreen(): void;
  act(action: SteeringAction): void;
  who(): Promise<ViewerList | null>;
}

const BIT_RATES: readonly { value: BitRateChoice; label: string; note: string }[] = [
  { value: "low", label: "Low", note: "thin lines" },
  { value: "auto", label: "Auto", note: "follows the size" },
  { value: "high", label: "High", note: "finest detail" },
];

export class Bar {
  readonly root: HTMLElement;
  readonly #commands: BarCommands;
  readonly #pause = button("pause", "Pause time");
  readonly #rateButton = make("button", {
    class: "osw-button osw-wide osw-rate",
    type: "button",
    title: "Speed of time",
  });
  readonly #rateLabel = make("span", { class: "osw-button-label" });
  readonly #stats = button("statistics", "Statistics");
  readonly #fullscreen = button("enter", "Full screen");
  readonly #time: TimeField;
  readonly #targets: TargetPicker;
  readonly #control: ControlButtons;
  readonly #people: People;
  readonly #sharing: Sharing;
  readonly #popovers: Popover[] = [];
  /** What only a controller may use. */
  readonly #steering: HTMLButtonElement[];
  #state: RemoteState | null = null;
  #viewers = 0;
  #bitRate: BitRateChoice = "auto";

  constructor(commands: BarCommands, signal: AbortSignal) {
    this.#commands = commands;
    this.#time = new TimeField((time) => commands.setTime(time), signal);
    this.#targets = new TargetPicker((target) => commands.flyTo(target), signal);
    this.#control = new ControlButtons((action) => commands.act(action));
    this.#rateButton.append(this.#rateLabel, icon("chevron"));
    const rate = this.#menu(this.#rateButton, "Speed of time", () => this.#rateGroups(), signal);
    const quality = this.#menu(
      button("quality", "Picture quality"),
      "Picture quality",
      () => this.#qualityGroups(),
      signal,
    );
    const home = button("home", "Home");
    const still = button("camera", "Save a still picture");
    const give = (viewer: string) => commands.act({ label: "", verb: "give_control", args: { viewer } });
    this.#people = new People({ who: () => commands.who(), give }, signal);
    this.#sharing = new Sharing(signal);
    this.#popovers.push(this.#targets.popover, this.#people.popover, this.#sharing.popover);
    this.#steering = [this.#pause, rate.button, this.#targets.popover.button, home, quality.button];
    this.root = make(
      "div",
      { class: "osw-bar", role: "toolbar", "aria-label": "View controls" },
      make("div", { class: "osw-group osw-when" }, this.#pause, this.#time.root, rate.root),
      make("div", { class: "osw-group osw-where" }, this.#targets.root, home),
      this.#control.root,
      make(
        "div",
        { class: "osw-group osw-what" },
        this.#people.popover.root,
        this.#sharing.popover.root,
        still,
        this.#stats,
        quality.root,
        this.#fullscreen,
      ),
    );
    const options = { signal };
    this.#pause.addEventListener("click", () => this.togglePause(), options);
    home.addEventListener("click", () => commands.home(), options);
    still.addEventListener("click", () => commands.still(), options);
    this.#stats.setAttribute("aria-pressed", "false");
    this.#stats.addEventListener("click", () => this.#toggleStats(), options);
    this.#fullscreen.addEventListener("click", () => commands.toggleFullscreen(), options);
    this.setFullscreen(false);
  }

  /** True while a panel is open: the bar must not slide away under it. */
  get busy(): boolean {
    return this.#popovers.some((popover) => popover.isOpen);
  }

  togglePause(): void {
    if (this.#state) this.#commands.setPaused(!this.#state.paused);
  }

  setState(state: RemoteState): void {
    this.#state = state;
    replaceIcon(this.#pause, state.paused ? "play" : "pause", state.paused ? "Let time run" : "Pause time");
    this.#rateLabel.textContent = formatRate(state.rate);
    this.#rateButton.setAttribute("aria-label", `Speed of time: ${formatRate(state.rate)}`);
    this.#targets.setFocus(state.focus);
    if (state.viewers !== this.#viewers) this.#people.changed();
    this.#viewers = state.viewers;
  }

  setTargets(targets: readonly Target[]): void {
    this.#targets.setTargets(targets);
  }

  /** Whether it can steer now; the others buttons work on what was last seen. */
  setSteering(steers: boolean): void {
    for (const each of this.#steering) each.disabled = !steers;
    this.#time.disabled = !steers;
    if (steers) return;
    const others = [this.#people.popover, this.#sharing.popover];
    for (const popover of this.#popovers) if (!others.includes(popover)) popover.close();
  }

  /** Null while it is not known who steers. */
  setStanding(standing: Steering | null): void {
    this.#control.show(standing);
    this.#people.popover.button.disabled = standing === null;
    if (standing === null) this.#people.popover.close();
    else this.#people.changed();
  }

  /** Null for those who may not share the session. */
  setShares(shares: Shares | null): void {
    this.#sharing.offer(shares);
  }

  showTime(milliseconds: number): void {
    this.#time.show(milliseconds);
  }

  setBitRate(choice: BitRateChoice): void {
    this.#bitRate = choice;
  }

  setFullscreen(full: boolean): void {
    replaceIcon(this.#fullscreen, full ? "leave" : "enter", full ? "Leave full screen" : "Full screen");
  }

  #toggleStats(): void {
    const shown = this.#stats.getAttribute("aria-pressed") !== "true";
    this.#stats.setAttribute("aria-pressed", String(shown));
    this.#commands.showStats(shown);
  }

  #menu(opener: HTMLButtonElement, label: string, groups: () => Group<never>[], signal: AbortSignal): Popover {
    const menu = new Menu(() => {
      popover.close();
      opener.focus({ preventScroll: true });
    }, signal);
    const opened = () => {
      menu.show(...groups());
      menu.focus();
    };
    const popover: Popover = new Popover(opener, { role: "menu", label, panel: menu.root, opened }, signal);
    this.#popovers.push(popover);
    return popover;
  }

  #rateGroups(): Group<never>[] {
    const rate = this.#state?.rate ?? 1;
    const sign = rate < 0 ? -1 : 1;
    const speed: Group<number> = {
      title: "Speed of time",
      choices: RATES.map((each) => ({ label: each.long, value: each.rate })),
      chosen: (value) => formatRate(value) === formatRate(Math.abs(rate)),
      choose: (value) => this.#commands.setRate(sign * value),
    };
    const direction: Group<number> = {
      title: "Direction",
      choices: [
        { label: "Forward", value: 1 },
        { label: "Reverse", value: -1 },
      ],
      chosen: (value) => value === sign,
      choose: (value) => this.#commands.setRate(value * Math.abs(rate)),
    };
    return [speed, direction] as Group<number>[] as unknown as Group<never>[];
  }

  #qualityGroups(): Group<never>[] {
    const state = this.#state;
    const frames: Group<FrameRateChoice> = {
      title: state ? `Frame rate, now up to ${state.frame_rate} fps` : "Frame rate",
      choices: FRAME_RATES,
      chosen: (value) => state !== null && value === chosenFrameRate(state),
      choose: (value) => this.#commands.setFrameRate(value),
    };
    const bits: Group<BitRateChoice> = {
      title: state ? `Bit rate, now ${formatBitRate(state.bit_rate)}` : "Bit rate",
      choices: BIT_RATES,
      chosen: (value) => value === this.#bitRate,
      choose: (value) => this.#commands.setBitRate(value),
    };
    return [frames, bits] as unknown as Group<never>[];
  }
}

function button(name: IconName, label: string): HTMLButtonElement {
  return make("button", { class: "osw-button", type: "button", "aria-label": label, title: label }, icon(name));
}

function replaceIcon(target: HTMLButtonElement, name: IconName, label: string): void {
  if (target.getAttribute("aria-label") === label) return;
  target.setAttribute("aria-label", label);
  target.title = label;
  target.replaceChildren(icon(name));
}
