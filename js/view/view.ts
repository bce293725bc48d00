/** The view: viewport, chip, bar, statistics, input and session, for the notebook cell and the stream page. */

import { childOf, every } from "../util/abort.ts";
import type { FrameSink, OnPresented } from "../transport/transport.ts";
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
import { Bar } from "./bar.ts";
import { autoHideBar } from "./barVisibility.ts";
import { Chip } from "./chip.ts";
import { Clock, formatTime } from "./clock.ts";
import { make } from "../util/dom.ts";
import { ExpiryClock } from "./expiry.ts";
import { watchPicks } from "./picking.ts";
import { type BitRateChoice, bitRateFor, type FrameRateChoice } from "./quality.ts";
import { resizeHandle, type Size, watchSize } from "./size.ts";
import { StatsPanel } from "./statsPanel.ts";
import { NO_SERVER, statusOf } from "./status.ts";
import { Viewport } from "./viewport.ts";
import { watchVisibility } from "./visibility.ts";

export interface ViewOptions {
  /** Null where there is no Jupyter server. */
  server: Server | null;
  /** The route through the kernel, where the server is not reached; null where there is no kernel. */
  throughKernel?: Server | null;
  /** The view fills its container (the page) instead of having a shape of its own (the cell). */
  fillsContainer: boolean;
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
  readonly #viewport: Viewport;
  readonly #chip = new Chip();
  readonly #bar: Bar;
  readonly #stats = new StatsPanel();
  readonly #clock = new Clock();
  readonly #sender: InputSender;
  #session: Session | null = null;
  /** A message about a session has arrived, by either route. */
  #isReached = false;
  /** Null where share links cannot be made. */
  #shares: Shares | null = null;
  #sessionLife: AbortController | null = null;
  #finalPhase: Phase | null = null;
  /** Null until the hello on the present connection. */
  #hello: Hello | null = null;
  #steering: Steering | null = null;
  #state: RemoteState | null = null;
  #targets: readonly Target[] = [];
  #size: Size | null = null;
  readonly #expiry = new ExpiryClock();
  #remark = "";
  #remarkTimer: ReturnType<typeof setTimeout> | undefined;
  #statsLife: AbortController | null = null;
  #bitRate: BitRateChoice = "auto";

  constructor(options: ViewOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#sender = new InputSender(signal);
    this.#viewport = new Viewport();
    this.#bar = new Bar(this.#commands(), signal);
    this.root = make(
      "div",
      {
        class: options.fillsContainer ? "osw-view osw-fill" : "osw-view",
        // JupyterLab would take letters typed here for its own commands.
        "data-lm-suppress-shortcuts": "true",
        "data-state": "starting",
        "data-frames": 0,
      },
      this.#viewport.root,
      this.#chip.root,
      this.#stats.root,
      this.#bar.root,
    );
    this.root.append(watchPicks(this.#viewport.root, this.#pointPicker(), signal));
    if (!options.fillsContainer) this.root.append(resizeHandle(this.root, signal));
    autoHideBar(
      { root: this.root, bar: this.#bar.root, viewport: this.#viewport.root, isBusy: () => this.#bar.isBusy },
      signal,
    );
    // After a click in the bar the keys steer again; keyboard users keep their focus.
    this.#bar.root.addEventListener("click", (event) => this.#returnFocus(event), { signal });
    const isSteering = () => this.#isSteering;
    listenToPointers(this.#viewport.root, this.#sender, isSteering, signal);
    listenToKeys(
      this.#viewport.root,
      this.#sender,
      { togglePause: () => this.#bar.togglePause(), home: () => void this.#request("home") },
      isSteering,
      signal,
    );
    // Keys that the bar's own controls do not use must not reach the notebook either.
    this.root.addEventListener("keydown", (event) => event.stopPropagation(), { signal });
    this.root.ownerDocument.addEventListener("fullscreenchange", () => this.#bar.setFullscreen(this.#isFullscreen), {
      signal,
    });
    every(TICK, signal, () => this.#bar.showTime(this.#clock.time));
    every(1000, signal, () => this.#expiry.expiry && this.#show());
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

  /** Follows another session; "" for none yet. `isKnownToRun`: it can be joined at once. */
  setSession(id: string, isKnownToRun = false): void {
    if (id === (this.#session?.id ?? "")) return;
    this.#sessionLife?.abort();
    this.#sessionLife = null;
    this.#session = null;
    this.#expiry.set(null);
    this.#state = null;
    this.#disconnected();
    if (id !== "") this.#chooseRoute(id, isKnownToRun);
    this.#show();
  }

  /** The end of the session as the kernel knows it; null while it has not ended. */
  setFinalPhase(phase: Phase | null): void {
    this.#finalPhase = phase;
    this.#show();
  }

  setStill(url: string): void {
    this.#viewport.setStill(url);
  }

  setAspect(aspect: number): void {
    if (Number.isFinite(aspect) && aspect > 0) this.root.style.setProperty("--osw-aspect", String(aspect));
  }

  setWidth(width: number | null): void {
    this.root.style.width = width === null ? "" : `${width}px`;
  }

  get #phase(): Phase {
    return this.#finalPhase ?? this.#session?.phase ?? STARTING;
  }

  get #isSteering(): boolean {
    return this.#steering?.isSteering === true && this.#session?.control != null && this.#phase.name === "live";
  }

  get #isFullscreen(): boolean {
    return (this.root.getRootNode() as Document | ShadowRoot).fullscreenElement === this.root;
  }

  #chooseRoute(id: string, isKnownToRun: boolean): void {
    const life = childOf(this.#signal);
    this.#sessionLife = life;
    const { server, throughKernel = null } = this.#options;
    const follow: Follow = (route, onReached, { signal }) => this.#follow(route, id, isKnownToRun, onReached, signal);
    void chooseRoute(id, server, throughKernel, follow, life.signal);
  }

  #follow(server: Server, id: string, isKnownToRun: boolean, onReached: () => void, signal: AbortSignal): void {
    this.#disconnected();
    this.#shares = server.transports === undefined ? sharesOf(server, id) : null;
    const session: Session = new Session(
      server,
      id,
      this.#frameSink(),
      {
        onPhase: () => this.#show(),
        onInfo: () => {
          this.#isReached = true;
          onReached();
        },
        onWarning: (warning) => {
          this.#expiry.set(warning);
          this.#show();
        },
        onInput: (channel) => this.#sender.attach(channel),
        onClosed: () => this.#disconnected(),
        onHello: (hello) => this.#receiveHello(hello),
        onState: (state) => this.#receiveState(state),
        onStats: (stats) => this.#stats.setRemote(stats),
        onControl: (update) => this.#receiveControl(update),
        onTransport: (variant) => this.#showTransport(variant),
      },
      signal,
      isKnownToRun,
    );
    this.#session = session;
    session.start();
  }

  /** The viewport, with its frame count where tests can see it. */
  #frameSink(): FrameSink {
    const counted =
      (onPresented: OnPresented): OnPresented =>
      (milliseconds) => {
        this.root.dataset.frames = String(this.#viewport.frames);
        onPresented(milliseconds);
      };
    return {
      playStream: (stream, onPresented, signal) => this.#viewport.playStream(stream, counted(onPresented), signal),
      openImages: (onPresented, signal) => this.#viewport.openImages(counted(onPresented), signal),
      openFrames: (onPresented, signal) => this.#viewport.openFrames(counted(onPresented), signal),
    };
  }

  #showTransport(variant: TransportVariant | null): void {
    if (variant === null) delete this.root.dataset.transport;
    else if (this.root.dataset.transport !== variant) this.root.dataset.transport = variant;
  }

  #receiveHello(hello: Hello): void {
    this.#hello = hello;
    this.#steering = steeringOf(hello, hello.state);
    this.#stats.setEncoder(hello.encoder);
    this.#bar.setShares(hello.owner === true ? this.#shares : null);
    this.#targets = hello.targets ?? [];
    this.#bar.setTargets(this.#targets);
    this.#receiveState(hello.state);
    this.#reportSize();
    if (this.#statsLife) this.#watchRemoteStats(true);
    this.#show();
  }

  #disconnected(): void {
    this.#hello = null;
    this.#steering = null;
    this.#sender.attach(null);
    this.#show();
  }

  #receiveControl(update: Partial<ControlUpdate>): void {
    if (this.#hello === null) return;
    const before = JSON.stringify(this.#steering);
    const wasSteering = this.#isSteering;
    this.#steering = steeringOf(this.#hello, update);
    if (JSON.stringify(this.#steering) === before) return;
    if (this.#isSteering && !wasSteering) this.#reportSize();
    this.#show();
  }

  #receiveState(state: RemoteState): void {
    // Older instances do not send who steers with the state.
    if (state.controller !== undefined) this.#receiveControl(state);
    const isResized =
      this.#state !== null && (this.#state.width !== state.width || this.#state.height !== state.height);
    this.#state = state;
    // The instance keeps a chosen bit rate when the size changes, so the view adapts it.
    if (isResized && this.#bitRate !== "auto" && this.#isSteering) this.#setBitRate(this.#bitRate);
    this.#clock.set(state);
    this.#bar.setState(state);
    this.#bar.showTime(this.#clock.time);
  }

  #show(): void {
    const phase = this.#phase;
    this.root.dataset.state = phase.name;
    const hasNoRoute = !this.#options.server && !this.#isReached && !isOver(phase);
    this.#chip.show(
      hasNoRoute
        ? NO_SERVER
        : statusOf({
            phase,
            steering: this.#steering,
            hint: this.#options.hint,
            remark: this.#remark,
            expiry: this.#expiry.expiry,
          }),
    );
    this.root.classList.toggle("osw-steers", this.#isSteering);
    this.root.classList.toggle("osw-idle", phase.name !== "live");
    this.#bar.setEnabled(this.#isSteering);
    this.#bar.setSteering(phase.name === "live" ? this.#steering : null);
  }

  #returnFocus(event: MouseEvent): void {
    const field = (event.target as Element).closest("input, label");
    if (event.detail > 0 && field === null && !this.#bar.isBusy) this.#viewport.root.focus({ preventScroll: true });
  }

  #resized(size: Size): void {
    this.#size = size;
    // Panels open upwards from the bar, and scroll where the view is not high enough.
    const room = this.root.clientHeight - this.#bar.root.offsetHeight - 40;
    this.root.style.setProperty("--osw-room", `${Math.max(96, room)}px`);
    this.#reportSize();
  }

  #reportSize(): void {
    const size = this.#size;
    if (size === null || !this.#steering?.isSteering || !this.#session?.control) return;
    if (this.#state?.width === size.width && this.#state.height === size.height) return;
    void this.#request("resolution", { ...size, follow: true });
  }

  /** Sends a request to the instance; a refusal is shown for a while. */
  async #request(verb: Verb, args: Record<string, unknown> = {}, timeout?: number): Promise<unknown> {
    const control = this.#session?.control;
    if (!control) return null;
    try {
      return await control.request(verb, args, timeout);
    } catch (error) {
      if (this.#session?.control === control) this.#showRemark(error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  #showRemark(remark: string): void {
    clearTimeout(this.#remarkTimer);
    this.#remark = remark;
    this.#remarkTimer = setTimeout(() => {
      this.#remark = "";
      this.#show();
    }, REMARK_FOR);
    this.#show();
  }

  #pointPicker() {
    return {
      mode: () => (this.#phase.name === "live" ? (this.#state?.picks ?? "never") : "never"),
      size: () => this.#state,
      pick: async (x: number, y: number, how: "click" | "hover") =>
        (await this.#request("pick", { x, y, how })) as PickedPoint | null,
    };
  }

  #commands() {
    return {
      setPaused: (paused: boolean) => void this.#request("set_paused", { paused }),
      setRate: (rate: number) => void this.#request("set_rate", { rate }),
      setTime: (time: string) => void this.#request("set_time", { time }),
      flyTo: (target: Target) =>
        void this.#request(
          "fly_to",
          { target: target.identifier, duration: FLIGHT_SECONDS },
          (FLIGHT_SECONDS + 10) * 1000,
        ),
      home: () => void this.#request("home"),
      saveStill: () => void this.#saveStill(),
      showStats: (isShown: boolean) => this.#showStats(isShown),
      setFrameRate: (choice: FrameRateChoice) => void this.#request("quality", { frame_rate: choice }),
      setBitRate: (choice: BitRateChoice) => this.#setBitRate(choice),
      toggleFullscreen: () => void this.#toggleFullscreen(),
      listViewers: async () => (await this.#request("who")) as ViewerList | null,
      act: ({ verb, args }: SteeringAction) => void this.#request(verb, args),
    };
  }

  #setBitRate(choice: BitRateChoice): void {
    this.#bitRate = choice;
    this.#bar.setBitRate(choice);
    if (this.#state) void this.#request("quality", { bit_rate: bitRateFor(choice, this.#state) });
  }

  async #saveStill(): Promise<void> {
    const blob = await this.#viewport.png();
    if (blob === null) return this.#showRemark("there is no frame to save yet");
    const url = URL.createObjectURL(blob);
    const time = formatTime(this.#clock.time).replaceAll(":", "").replace(" ", "T");
    make("a", { href: url, download: `openspace-${time || "still"}.png` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  #showStats(isShown: boolean): void {
    this.#statsLife?.abort();
    this.#statsLife = null;
    this.#stats.show(isShown);
    this.#watchRemoteStats(isShown);
    if (!isShown) return;
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

  #watchRemoteStats(isWatched: boolean): void {
    this.#session?.control?.request("stats", { watch: isWatched }).catch(() => {});
  }

  async #toggleFullscreen(): Promise<void> {
    try {
      if (this.#isFullscreen) await this.root.ownerDocument.exitFullscreen();
      else await this.root.requestFullscreen();
    } catch {
      this.#showRemark("this page does not allow full screen");
    }
  }

  #remove(): void {
    clearTimeout(this.#remarkTimer);
    this.root.remove();
  }
}
