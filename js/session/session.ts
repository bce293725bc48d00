/** One view's connection to one session: follows its life and keeps it on the best rung there is while it runs. */

import type { ControlChannel } from "../protocol/controlChannel.ts";
import { followSession } from "./events.ts";
import { CLIMB_AFTER, CLIMB_AT_LEAST_EVERY, type Footing, Ladder } from "../transport/fallback.ts";
import { Backoff, childOf, sleep } from "../util/abort.ts";
import type { Link, LinkEvents, Screen, Sending } from "../transport/transport.ts";
import { MediaLink } from "../transport/websocketTransport.ts";
import type {
  ControlUpdate,
  Hello,
  RemoteState,
  RemoteStats,
  SessionInfo,
  SessionWarning,
} from "../protocol/messages.ts";
import { isRunning } from "../protocol/sessionStates.ts";
import { PeerLink } from "../transport/webrtcTransport.ts";
import { isOver, nextPhase, type Phase, type PhaseEvent, STARTING } from "./phase.ts";
import { LOOK_EVERY, Reporter } from "../transport/reports.ts";
import { type Rung, usableRungs, type Way } from "../transport/transports.ts";
import type { Server } from "./server.ts";
import type { Look } from "../transport/statistics.ts";

export interface SessionView {
  phase(phase: Phase): void;
  readonly screen: Screen;
  info(info: SessionInfo): void;
  warning(warning: SessionWarning): void;
  input(channel: Sending): void;
  /** The connection is gone, and with it the ways to say something. */
  closed(): void;
  /** The way the picture comes now; null while there is none. */
  transport(way: Way | null): void;
  /** Said again when the picture takes another way. */
  hello(hello: Hello): void;
  state(state: RemoteState): void;
  stats(stats: RemoteStats): void;
  control(news: ControlUpdate): void;
}

export class Session {
  readonly id: string;
  readonly #server: Server;
  readonly #view: SessionView;
  readonly #signal: AbortSignal;
  readonly #backoff = new Backoff();
  readonly #changed = new EventTarget();
  #phase: Phase = STARTING;
  #running = false;
  #resting = false;
  readonly #climbing = new Backoff(CLIMB_AFTER, CLIMB_AT_LEAST_EVERY);
  #attempt: AbortController | null = null;
  #ladder: Ladder<Link> | null = null;
  /** The one that carries input and conversation. */
  #used: Link | null = null;
  /** The one whose picture is seen. */
  #live: Link | null = null;
  #presented = false;

  /** `running`: it did when the page was made, so there is no need to hear it first. */
  constructor(server: Server, id: string, view: SessionView, signal: AbortSignal, running = false) {
    this.#server = server;
    this.id = id;
    this.#view = view;
    this.#signal = signal;
    this.#running = running;
    if (running) this.#phase = nextPhase(STARTING, { type: "session", state: "RUNNING", reason: "" });
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Open while the instance can be asked for something. */
  get control(): ControlChannel | null {
    return this.#used?.control ?? null;
  }

  async look(): Promise<Look | null> {
    return (await this.#live?.look()) ?? null;
  }

  start(): void {
    this.#view.phase(this.#phase);
    void followSession(
      this.#server,
      this.id,
      {
        session: (info) => this.#follow(info),
        warning: (warning) => this.#view.warning(warning),
        gone: (reason) => this.#end({ type: "gone", reason }),
        unreachable: (reason) => this.#dispatch({ type: "unreachable", reason }),
      },
      this.#signal,
    );
    void this.#keepConnected();
  }

  /** Nobody looks: stop the picture, and what cannot do without one, until somebody does. */
  rest(): void {
    if (this.#resting || isOver(this.#phase)) return;
    this.#resting = true;
    this.#ladder?.rest();
    if (!this.#live?.pause()) this.#attempt?.abort();
    this.#dispatch({ type: "resting" });
  }

  wake(): void {
    if (!this.#resting) return;
    this.#resting = false;
    this.#backoff.reset();
    this.#live?.resume();
    this.#ladder?.wake();
    this.#changed.dispatchEvent(new Event("change"));
  }

  #follow(info: SessionInfo): void {
    this.#view.info(info);
    this.#running = isRunning(info.state);
    const before = this.#phase;
    this.#dispatch({ type: "session", state: info.state, reason: info.reason });
    if (isOver(this.#phase)) this.#attempt?.abort();
    else if (this.#running && before.name === "reconnecting") this.#backoff.reset();
    this.#changed.dispatchEvent(new Event("change"));
  }

  #end(event: PhaseEvent): void {
    this.#dispatch(event);
    this.#attempt?.abort();
  }

  #dispatch(event: PhaseEvent): void {
    if (this.#signal.aborted) return;
    const next = nextPhase(this.#phase, event);
    if (next === this.#phase) return;
    this.#phase = next;
    this.#view.phase(next);
  }

  async #keepConnected(): Promise<void> {
    while (!this.#signal.aborted && !isOver(this.#phase)) {
      if (!this.#running || this.#resting) {
        await this.#change();
        continue;
      }
      const reason = await this.#connectOnce();
      if (this.#resting || this.#signal.aborted || isOver(this.#phase)) continue;
      this.#dispatch({ type: "lost", reason });
      await sleep(this.#backoff.next(), this.#signal);
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      const once = new AbortController();
      const done = () => {
        once.abort();
        resolve();
      };
      this.#changed.addEventListener("change", done, { signal: once.signal });
      this.#signal.addEventListener("abort", done, { signal: once.signal });
      if (this.#signal.aborted) done();
    });
  }

  /** Connects and stays until the connection is lost; the result says why. */
  async #connectOnce(): Promise<string> {
    const attempt = childOf(this.#signal);
    this.#attempt = attempt;
    this.#presented = false;
    const ladder = new Ladder<Link>(
      this.#server.rungs ?? usableRungs(),
      (rung, footing, signal) => this.#hold(rung, footing, signal),
      {
        live: (link) => {
          this.#use(link);
          this.#live = link;
          this.#view.transport(link.way);
        },
        lost: (reason) => attempt.abort(reason),
      },
      this.#climbing,
      attempt.signal,
    );
    this.#ladder = ladder;
    void this.#watch(attempt.signal);
    try {
      return await new Promise((resolve) => {
        const done = () => resolve(typeof attempt.signal.reason === "string" ? attempt.signal.reason : "");
        attempt.signal.addEventListener("abort", done, { once: true });
        if (attempt.signal.aborted) done();
        else ladder.start();
      });
    } finally {
      this.#attempt = null;
      this.#ladder = null;
      this.#used = null;
      this.#live = null;
      if (!this.#signal.aborted) {
        this.#view.transport(null);
        this.#view.closed();
      }
    }
  }

  /** Opens one rung. Of several under way, the view hears the one whose picture it shows, or will show first. */
  #hold(rung: Rung, footing: Footing, signal: AbortSignal): Link {
    const heard = (act: () => void) => () => {
      if (link === this.#used) act();
    };
    const events: LinkEvents = {
      hello: (hello) => {
        if (this.#used === null) this.#use(link);
        else heard(() => this.#view.hello(hello))();
      },
      input: (channel) => heard(() => this.#view.input(channel))(),
      state: (state) => heard(() => this.#view.state(state))(),
      stats: (stats) => heard(() => this.#view.stats(stats))(),
      control: (news) => heard(() => this.#view.control(news))(),
      presented: () => {
        footing.presented();
        if (link === this.#live) this.#framePresented();
      },
      lost: footing.lost,
    };
    signal.addEventListener(
      "abort",
      heard(() => {
        this.#used = null;
        if (this.#attempt?.signal.aborted === false) this.#view.closed();
      }),
      { once: true },
    );
    const path = `sessions/${encodeURIComponent(this.id)}`;
    const { screen } = this.#view;
    const media = () => this.#server.socket(`${path}/media`);
    const link: Link =
      rung === "webrtc"
        ? new PeerLink(this.#server.socket(`${path}/signaling`), media, screen, events, signal)
        : new MediaLink(rung, media(), screen, events, signal);
    return link;
  }

  #use(link: Link): void {
    if (link === this.#used) return;
    this.#used = link;
    if (link.input) this.#view.input(link.input);
    if (link.hello) this.#view.hello(link.hello);
  }

  #framePresented(): void {
    if (!this.#presented) this.#backoff.reset();
    this.#presented = true;
    if (!this.#resting) this.#dispatch({ type: "frame" });
  }

  /** Tells the instance how its picture arrives, and has a broken one repaired. */
  async #watch(signal: AbortSignal): Promise<void> {
    let watched: Link | null = null;
    let reporter = new Reporter();
    while (!signal.aborted) {
      await sleep(LOOK_EVERY, signal);
      const link = this.#live;
      if (signal.aborted || this.#resting || link?.control == null) continue;
      if (link !== watched) reporter = new Reporter();
      watched = link;
      const look = await link.look();
      if (signal.aborted || link !== this.#live) continue;
      this.#view.transport(link.way);
      const report = reporter.consider(look);
      if (report) link.control?.sendReport(report);
      if (link.needsKeyFrame(look)) link.control?.request("key_frame").catch(() => {});
    }
  }
}
