/** The view: picture, chip, bar, statistics, input and connection put together. Notebook cell and page share it. */

import { childOf, every } from "../util/abort.ts";
import type { OnPresented, FrameSink } from "../transport/transport.ts";
import type { ControlUpdate, Hello, PickedPoint, RemoteState, Target, Verb, ViewerList } from "../protocol/messages.ts";
import { isOver, type Phase, STARTING } from "../session/phase.ts";
import type { TransportVariant } from "../transport/transports.ts";
import type { Server } from "../session/server.ts";
import { Session } from "../session/session.ts";
import { type Follow, chooseRoute } from "../session/route.ts";
import { type Shares, sharesOf } from "../session/shares.ts";
import { type SteeringAction, type Steering, steeringOf } from "../session/steering.ts";
import { StatsSampler } from "../transport/statistics.ts";
import { listenToKeys } from "../input/keyboard.ts";
import { listenToPointers } from "../input/pointer.ts";
import { InputSender } from "../input/sender.ts";
import { keepAwake } from "./barVisibility.ts";
import { Bar } from "./bar.ts";
import { Chip } from "./chip.ts";
import { Clock, formatTime } from "./clock.ts";
import { make } from "../util/dom.ts";
import { EndingClock } from "./expiry.ts";
import { watchPicks } from "./picking.ts";
import { Picture } from "./picture.ts";
import { type BitRateChoice, bitRateFor, type FrameRateChoice } from "./quality.ts";
import { resizeHandle, type Size, watchSize } from "./size.ts";
import { StatsPanel } from "./statsPanel.ts";
import { NO_SERVER, statusOf } from "./status.ts";
import { watchVisibility } from "./visibility.ts";

export interface ViewOptions {
  /** Null where there is no Jupyter server to speak to. */
  server: Server | null;
  /** The way through the kernel, for where the server is not reached; null where there is no kernel. */
  throughKernel?: Server | null;
  /** The view fills its container (the page) instead of having a shape of its own (the cell). */
  fill: boolean;
  /** What to do once the session is over. */
  hint: string;
}

const REMARK_FOR = 6000;
const TICK = 200;
const FLIGHT_SECONDS = 4;

export class View {
  readonly root: HTMLElement;
  readonly #options: ViewOptions;
  readonly #signal: AbortSignal;
  readonly #picture: Picture;
  readonly #chip = new Chip();
  readonly #bar: Bar;
  readonly #stats = new StatsPanel();
  readonly #clock = new Clock();
  readonly #sender: InputSender;
  #session: Session | null = null;
  /** Something was heard of a session, by whatever way. */
  #heard = false;
  /** Null where links cannot be made. */
  #shares: Shares | null = null;
  #sessionLife: AbortController | null = null;
  #told: Phase | null = null;
  /** Null until the instance said hello on the present connection. */
  #hello: Hello | null = null;
  #standing: Steering | null = null;
  #state: RemoteState | null = null;
  #targets: readonly Target[] = [];
  #size: Size | null = null;
  readonly #ending = new EndingClock();
  #remark = "";
  #remarkTimer: ReturnType<typeof setTimeout> | undefined;
  #statsLife: AbortController | null = null;
  #bitRate: BitRateChoice = "auto";

  constructor(options: ViewOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#sender = new InputSender(signal);
    this.#picture = new Picture();
    this.#bar = new Bar(this.#commands(), signal);
    this.root = make(
      "div",
      {
        class: options.fill ? "osw-view osw-fill" : "osw-view",
        // JupyterLab would take letters typed here for its own commands.
        "data-lm-suppress-shortcuts": "true",
        "data-state": "starting",
        "data-frames": 0,
      },
      this.#picture.root,
      this.#chip.root,
      this.#stats.root,
      this.#bar.root,
    );
    this.root.append(watchPicks(this.#picture.root, this.#picking(), signal));
    if (!options.fill) this.root.append(resizeHandle(this.root, signal));
    keepAwake(
      { root: this.root, bar: this.#bar.root, picture: this.#picture.root, busy: () => this.#bar.busy },
      signal,
    );
    // After a click in the bar, the keys steer again; who came by keyboard stays where they are.
    this.#bar.root.addEventListener("click", (event) => this.#returnFocus(event), { signal });
    const steers = () => this.#steers;
    listenToPointers(this.#picture.root, this.#sender, steers, signal);
    listenToKeys(
      this.#picture.root,
      this.#sender,
      { togglePause: () => this.#bar.togglePause(), home: () => void this.#ask("home") },
      steers,
      signal,
    );
    // Keys that the bar's own controls do not use must not reach the notebook either.
    this.root.addEventListener("keydown", (event) => event.stopPropagation(), { signal });
    this.root.ownerDocument.addEventListener("fullscreenchange", () => this.#bar.setFullscreen(this.#isFullscreen), {
      signal,
    });
    every(TICK, signal, () => this.#bar.showTime(this.#clock.time));
    every(1000, signal, () => this.#ending.ending && this.#show());
    signal.addEventListener("abort", () => this.#remove(), { once: true });
    this.#show();
  }

  /** To be called once the root is in the page. */
  attached(): void {
    watchSize(this.root, (size) => this.#resized(size), this.#signal);
    watchVisibility(
      this.root,
      () => this.#session?.pause(),
      () => this.#session?.resume(),
      this.#signal,
    );
  }

  /** Follows another session; "" for none yet. `running`: it does, as far as is known. */
  setSession(id: string, running = false): void {
    if (id === (this.#session?.id ?? "")) return;
    this.#sessionLife?.abort();
    this.#sessionLife = null;
    this.#session = null;
    this.#ending.set(null);
    this.#state = null;
    this.#parted();
    if (id !== "") this.#chooseRoute(id, running);
    this.#show();
  }

  /** What somebody else knows of the session's end, such as the kernel; null for nothing. */
  tell(phase: Phase | null): void {
    this.#told = phase;
    this.#show();
  }

  setStill(url: string): void {
    this.#picture.setStill(url);
  }

  setAspect(aspect: number): void {
    if (Number.isFinite(aspect) && aspect > 0) this.root.style.setProperty("--osw-aspect", String(aspect));
  }

  setWidth(width: number | null): void {
    this.root.style.width = width === null ? "" : `${width}px`;
  }

  get #phase(): Phase {
    return this.#told ?? this.#session?.phase ?? STARTING;
  }

  get #steers(): boolean {
    return this.#standing?.isSteering === true && this.#session?.control != null && this.#phase.name === "live";
  }

  get #isFullscreen(): boolean {
    return (this.root.getRootNode() as Document | ShadowRoot).fullscreenElement === this.root;
  }

  #chooseRoute(id: string, running: boolean): void {
    const life = childOf(this.#signal);
    this.#sessionLife = life;
    const { server, throughKernel = null } = this.#options;
    const follow: Follow = (road, heard, { signal }) => this.#follow(road, id, running, heard, signal);
    void chooseRoute(id, server, throughKernel, follow, life.signal);
  }

  #follow(server: Server, id: string, running: boolean, heard: () => void, signal: AbortSignal): void {
    this.#parted();
    this.#shares = server.transports === undefined ? sharesOf(server, id) : null;
    const session: Session = new Session(
      server,
      id,
      this.#frameSink(),
      {
        onPhase: () => this.#show(),
        onInfo: () => {
          this.#heard = true;
          heard();
        },
        onWarning: (warning) => {
          this.#ending.set(warning);
          this.#show();
        },
        onInput: (channel) => this.#sender.attach(channel),
        onClosed: () => this.#parted(),
        onHello: (hello) => this.#greeted(hello),
        onState: (state) => this.#changed(state),
        onStats: (stats) => this.#stats.setRemote(stats),
        onControl: (update) => this.#heardOfControl(update),
        onTransport: (variant) => this.#showTransport(variant),
      },
      signal,
      running,
    );
    this.#session = session;
    session.start();
  }

  /** The picture, with its frames counted where tests can see them. */
  #frameSink(): FrameSink {
    const counted =
      (presented: OnPresented): OnPresented =>
      (milliseconds) => {
        this.root.dataset.frames = String(this.#picture.frames);
        presented(milliseconds);
      };
    return {
      playStream: (stream, onPresented, signal) => this.#picture.playStream(stream, counted(onPresented), signal),
      openImages: (onPresented, signal) => this.#picture.openImages(counted(onPresented), signal),
      openFrames: (onPresented, signal) => this.#picture.openFrames(counted(onPresented), signal),
    };
  }

  #showTransport(variant: TransportVariant | null): void {
    if (variant === null) delete this.root.dataset.transport;
    else if (this.root.dataset.transport !== variant) this.root.dataset.transport = variant;
  }

  #greeted(hello: Hello): void {
    this.#hello = hello;
    this.#standing = steeringOf(hello, hello.state);
    this.#stats.setEncoder(hello.encoder);
    this.#bar.setShares(hello.owner === true ? this.#shares : null);
    this.#targets = hello.targets ?? [];
    this.#bar.setTargets(this.#targets);
    this.#changed(hello.state);
    this.#reportSize();
    if (this.#statsLife) this.#watchRemoteStats(true);
    this.#show();
  }

  #parted(): void {
    this.#hello = null;
    this.#standing = null;
    this.#sender.attach(null);
    this.#show();
  }

  #heardOfControl(news: Partial<ControlUpdate>): void {
    if (this.#hello === null) return;
    const before = JSON.stringify(this.#standing);
    const steered = this.#steers;
    this.#standing = steeringOf(this.#hello, news);
    if (JSON.stringify(this.#standing) === before) return;
    if (this.#steers && !steered) this.#reportSize();
    this.#show();
  }

  #changed(state: RemoteState): void {
    // Older instances say nothing of control here.
    if (state.controller !== undefined) this.#heardOfControl(state);
    const resized = this.#state !== null && (this.#state.width !== state.width || this.#state.height !== state.height);
    this.#state = state;
    // A bit rate once chosen no longer follows the size at the instance, so it does here.
    if (resized && this.#bitRate !== "auto" && this.#steers) this.#setBitRate(this.#bitRate);
    this.#clock.set(state);
    this.#bar.setState(state);
    this.#bar.showTime(this.#clock.time);
  }

  #show(): void {
    const phase = this.#phase;
    this.root.dataset.state = phase.name;
    const nowhere = !this.#options.server && !this.#heard && !isOver(phase);
    this.#chip.say(
      nowhere
        ? NO_SERVER
        : statusOf({
            phase,
            standing: this.#standing,
            hint: this.#options.hint,
            remark: this.#remark,
            ending: this.#ending.ending,
          }),
    );
    this.root.classList.toggle("osw-steers", this.#steers);
    this.root.classList.toggle("osw-idle", phase.name !== "live");
    this.#bar.setSteering(this.#steers);
    this.#bar.setStanding(phase.name === "live" ? this.#standing : null);
  }

  #returnFocus(event: MouseEvent): void {
    const field = (event.target as Element).closest("input, label");
    if (event.detail > 0 && field === null && !this.#bar.busy) this.#picture.root.focus({ preventScroll: true });
  }

  #resized(size: Size): void {
    this.#size = size;
    // Panels open upwards from the bar and scroll where the view is low.
    const room = this.root.clientHeight - this.#bar.root.offsetHeight - 40;
    this.root.style.setProperty("--osw-room", `${Math.max(96, room)}px`);
    this.#reportSize();
  }

  #reportSize(): void {
    const size = this.#size;
    if (size === null || !this.#standing?.isSteering || !this.#session?.control) return;
    if (this.#state?.width === size.width && this.#state.height === size.height) return;
    void this.#ask("resolution", { ...size, follow: true });
  }

  /** Asks the instance; a refusal is shown for a while. */
  async #ask(verb: Verb, args: Record<string, unknown> = {}, timeout?: number): Promise<unknown> {
    const control = this.#session?.control;
    if (!control) return null;
    try {
      return await control.request(verb, args, timeout);
    } catch (error) {
      if (this.#session?.control === control) this.#say(error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  #say(remark: string): void {
    clearTimeout(this.#remarkTimer);
    this.#remark = remark;
    this.#remarkTimer = setTimeout(() => {
      this.#remark = "";
      this.#show();
    }, REMARK_FOR);
    this.#show();
  }

  #picking() {
    return {
      mode: () => (this.#phase.name === "live" ? (this.#state?.picks ?? "never") : "never"),
      size: () => this.#state,
      ask: async (x: number, y: number, how: "click" | "hover") =>
        (await this.#ask("pick", { x, y, how })) as PickedPoint | null,
    };
  }

  #commands() {
    return {
      setPaused: (paused: boolean) => void this.#ask("set_paused", { paused }),
      setRate: (rate: number) => void this.#ask("set_rate", { rate }),
      setTime: (time: string) => void this.#ask("set_time", { time }),
      flyTo: (target: Target) =>
        void this.#ask("fly_to", { target: target.identifier, duration: FLIGHT_SECONDS }, (FLIGHT_SECONDS + 10) * 1000),
      home: () => void this.#ask("home"),
      still: () => void this.#saveStill(),
      showStats: (shown: boolean) => this.#showStats(shown),
      setFrameRate: (choice: FrameRateChoice) => void this.#ask("quality", { frame_rate: choice }),
      setBitRate: (choice: BitRateChoice) => this.#setBitRate(choice),
      toggleFullscreen: () => void this.#toggleFullscreen(),
      who: async () => (await this.#ask("who")) as ViewerList | null,
      act: ({ verb, args }: SteeringAction) => void this.#ask(verb, args),
    };
  }

  #setBitRate(choice: BitRateChoice): void {
    this.#bitRate = choice;
    this.#bar.setBitRate(choice);
    if (this.#state) void this.#ask("quality", { bit_rate: bitRateFor(choice, this.#state) });
  }

  async #saveStill(): Promise<void> {
    const blob = await this.#picture.png();
    if (blob === null) return this.#say("there is no picture to save yet");
    const url = URL.createObjectURL(blob);
    const time = formatTime(this.#clock.time).replaceAll(":", "").replace(" ", "T");
    make("a", { href: url, download: `openspace-${time || "still"}.png` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  #showStats(shown: boolean): void {
    this.#statsLife?.abort();
    this.#statsLife = null;
    this.#stats.shown = shown;
    this.#watchRemoteStats(shown);
    if (!shown) return;
    const life = childOf(this.#signal);
    this.#statsLife = life;
    const sampler = new StatsSampler();
    const sample = async () => {
      const snapshot = await this.#session?.takeSnapshot();
      const local = snapshot ? sampler.sample(snapshot) : null;
      if (local && !life.signal.aborted) this.#stats.setLocal(local);
    };
    void sample();
    every(1000, life.signal, () => void sample());
  }

  #watchRemoteStats(watch: boolean): void {
    this.#session?.control?.request("stats", { watch }).catch(() => {});
  }

  async #toggleFullscreen(): Promise<void> {
    try {
      if (this.#isFullscreen) await this.root.ownerDocument.exitFullscreen();
      else await this.root.requestFullscreen();
    } catch {
      this.#say("this page does not allow full screen");
    }
  }

  #remove(): void {
    clearTimeout(this.#remarkTimer);
    this.root.remove();
  }
}
