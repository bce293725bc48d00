/** The control bar: time, targets, control, sharing and quality, in the order they are used. */

import type { RemoteState, Target, ViewerList } from "../protocol/messages.ts";
import type { SteeringAction, Steering } from "../session/steering.ts";
import type { Shares } from "../session/shares.ts";
import { formatRate, RATES } from "./clock.ts";
import { ControlButtons } from "./controlButtons.ts";
import { make } from "../util/dom.ts";
import { type IconName, icon } from "./icons.ts";
import { type Group, Menu } from "./menu.ts";
import { Popover } from "./popover.ts";
import { type BitRateChoice, chosenFrameRate, FRAME_RATES, type FrameRateChoice, formatBitRate } from "./quality.ts";
import { SharingPanel } from "./sharing.ts";
import { TargetPicker } from "./targets.ts";
import { TimeField } from "./timeField.ts";
import { ViewersPanel } from "./viewersPanel.ts";

export interface BarCommands {
  setPaused(paused: boolean): void;
  setRate(rate: number): void;
  setTime(time: string): void;
  flyTo(target: Target): void;
  home(): void;
  saveStill(): void;
  showStats(isShown: boolean): void;
  setFrameRate(choice: FrameRateChoice): void;
  setBitRate(choice: BitRateChoice): void;
  toggleFullscreen(): void;
  act(action: SteeringAction): void;
  listViewers(): Promise<ViewerList | null>;
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
  readonly #viewers: ViewersPanel;
  readonly #sharing: SharingPanel;
  readonly #popovers: Popover[] = [];
  /** Disabled for viewers that do not steer. */
  readonly #steeringButtons: HTMLButtonElement[];
  #state: RemoteState | null = null;
  #viewerCount = 0;
  #bitRate: BitRateChoice = "auto";

  constructor(commands: BarCommands, signal: AbortSignal) {
    this.#commands = commands;
    this.#time = new TimeField((time) => commands.setTime(time), signal);
    this.#targets = new TargetPicker((target) => commands.flyTo(target), signal);
    this.#control = new ControlButtons((action) => commands.act(action));
    this.#rateButton.append(this.#rateLabel, icon("chevron"));
    const rate = this.#menu(this.#rateButton, "Speed of time", () => this.#rateGroups(), signal);
    const quality = this.#menu(
      button("quality", "Video quality"),
      "Video quality",
      () => this.#qualityGroups(),
      signal,
    );
    const home = button("home", "Home");
    const still = button("camera", "Save a still");
    const giveControl = (viewer: string) => commands.act({ label: "", verb: "give_control", args: { viewer } });
    this.#viewers = new ViewersPanel({ list: () => commands.listViewers(), giveControl }, signal);
    this.#sharing = new SharingPanel(signal);
    this.#popovers.push(this.#targets.popover, this.#viewers.popover, this.#sharing.popover);
    this.#steeringButtons = [this.#pause, rate.button, this.#targets.popover.button, home, quality.button];
    this.root = make(
      "div",
      { class: "osw-bar", role: "toolbar", "aria-label": "View controls" },
      make("div", { class: "osw-group osw-when" }, this.#pause, this.#time.root, rate.root),
      make("div", { class: "osw-group osw-where" }, this.#targets.root, home),
      this.#control.root,
      make(
        "div",
        { class: "osw-group osw-what" },
        this.#viewers.popover.root,
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
    still.addEventListener("click", () => commands.saveStill(), options);
    this.#stats.setAttribute("aria-pressed", "false");
    this.#stats.addEventListener("click", () => this.#toggleStats(), options);
    this.#fullscreen.addEventListener("click", () => commands.toggleFullscreen(), options);
    this.setFullscreen(false);
  }

  /** While a panel is open the bar must not slide away under it. */
  get isBusy(): boolean {
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
    if (state.viewers !== this.#viewerCount) this.#viewers.refresh();
    this.#viewerCount = state.viewers;
  }

  setTargets(targets: readonly Target[]): void {
    this.#targets.setTargets(targets);
  }

  /** Enables what needs steering; the other buttons work on the last frame. */
  setEnabled(isSteering: boolean): void {
    for (const each of this.#steeringButtons) each.disabled = !isSteering;
    this.#time.disabled = !isSteering;
    if (isSteering) return;
    const others = [this.#viewers.popover, this.#sharing.popover];
    for (const popover of this.#popovers) if (!others.includes(popover)) popover.close();
  }

  /** Null while it is not known who steers. */
  setSteering(steering: Steering | null): void {
    this.#control.show(steering);
    this.#viewers.popover.button.disabled = steering === null;
    if (steering === null) this.#viewers.popover.close();
    else this.#viewers.refresh();
  }

  /** Null for viewers that may not share the session. */
  setShares(shares: Shares | null): void {
    this.#sharing.setShares(shares);
  }

  showTime(milliseconds: number): void {
    this.#time.show(milliseconds);
  }

  setBitRate(choice: BitRateChoice): void {
    this.#bitRate = choice;
  }

  setFullscreen(isFullscreen: boolean): void {
    replaceIcon(this.#fullscreen, isFullscreen ? "leave" : "enter", isFullscreen ? "Leave full screen" : "Full screen");
  }

  #toggleStats(): void {
    const isShown = this.#stats.getAttribute("aria-pressed") !== "true";
    this.#stats.setAttribute("aria-pressed", String(isShown));
    this.#commands.showStats(isShown);
  }

  #menu(opener: HTMLButtonElement, label: string, groups: () => Group<never>[], signal: AbortSignal): Popover {
    const menu = new Menu(() => {
      popover.close();
      opener.focus({ preventScroll: true });
    }, signal);
    const onOpen = () => {
      menu.show(...groups());
      menu.focus();
    };
    const popover: Popover = new Popover(opener, { role: "menu", label, panel: menu.root, onOpen }, signal);
    this.#popovers.push(popover);
    return popover;
  }

  #rateGroups(): Group<never>[] {
    const rate = this.#state?.rate ?? 1;
    const sign = rate < 0 ? -1 : 1;
    const speed: Group<number> = {
      title: "Speed of time",
      choices: RATES.map((each) => ({ label: each.long, value: each.rate })),
      isChosen: (value) => formatRate(value) === formatRate(Math.abs(rate)),
      onChoose: (value) => this.#commands.setRate(sign * value),
    };
    const direction: Group<number> = {
      title: "Direction",
      choices: [
        { label: "Forward", value: 1 },
        { label: "Reverse", value: -1 },
      ],
      isChosen: (value) => value === sign,
      onChoose: (value) => this.#commands.setRate(value * Math.abs(rate)),
    };
    return [speed, direction] as Group<number>[] as unknown as Group<never>[];
  }

  #qualityGroups(): Group<never>[] {
    const state = this.#state;
    const frames: Group<FrameRateChoice> = {
      title: state ? `Frame rate, now up to ${state.frame_rate} fps` : "Frame rate",
      choices: FRAME_RATES,
      isChosen: (value) => state !== null && value === chosenFrameRate(state),
      onChoose: (value) => this.#commands.setFrameRate(value),
    };
    const bits: Group<BitRateChoice> = {
      title: state ? `Bit rate, now ${formatBitRate(state.bit_rate)}` : "Bit rate",
      choices: BIT_RATES,
      isChosen: (value) => value === this.#bitRate,
      onChoose: (value) => this.#commands.setBitRate(value),
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
