/** One view's connection to one session: follows the session's life and keeps the best transport open while it runs. */

import type { ControlChannel } from "../protocol/controlChannel.ts";
import type {
  ControlUpdate,
  Hello,
  RemoteState,
  RemoteStats,
  SessionInfo,
  SessionWarning,
} from "../protocol/messages.ts";
import { isRunning } from "../protocol/sessionStates.ts";
import { type AttemptListener, MAX_UPGRADE_INTERVAL, TransportFallback, UPGRADE_AFTER } from "../transport/fallback.ts";
import { Reporter, SNAPSHOT_INTERVAL } from "../transport/reports.ts";
import type { StatsSnapshot } from "../transport/statistics.ts";
import type { FrameSink, MessageSender, Transport, TransportListener } from "../transport/transport.ts";
import { type TransportName, type TransportVariant, usableTransports } from "../transport/transports.ts";
import { WebRtcTransport } from "../transport/webrtcTransport.ts";
import { WebSocketTransport } from "../transport/websocketTransport.ts";
import { Backoff, childOf, sleep } from "../util/abort.ts";
import { followSession } from "./events.ts";
import { isOver, nextPhase, type Phase, type PhaseEvent, STARTING } from "./phase.ts";
import type { Server } from "./server.ts";

export interface SessionListener {
  onPhase(phase: Phase): void;
  onInfo(info: SessionInfo): void;
  onWarning(warning: SessionWarning): void;
  onInput(channel: MessageSender): void;
  /** The connection is lost, and with it the channels for input and control. */
  onClosed(): void;
  /** The transport in use; null while there is none. */
  onTransport(variant: TransportVariant | null): void;
  /** Again after a change of transport. */
  onHello(hello: Hello): void;
  onState(state: RemoteState): void;
  onStats(stats: RemoteStats): void;
  onControl(update: ControlUpdate): void;
}

export class Session {
  readonly id: string;
  readonly #server: Server;
  readonly #sink: FrameSink;
  readonly #listener: SessionListener;
  readonly #signal: AbortSignal;
  readonly #backoff = new Backoff();
  readonly #upgradeBackoff = new Backoff(UPGRADE_AFTER, MAX_UPGRADE_INTERVAL);
  readonly #changes = new EventTarget();
  #phase: Phase = STARTING;
  #isRunning = false;
  #isPaused = false;
  #attempt: AbortController | null = null;
  #fallback: TransportFallback<Transport> | null = null;
  /** The transport that carries input and control. */
  #used: Transport | null = null;
  /** The transport whose frames are shown. */
  #live: Transport | null = null;
  #hasPresented = false;

  /** `isKnownToRun`: the session ran when the page was made, so it is joined without waiting for its state. */
  constructor(
    server: Server,
    id: string,
    sink: FrameSink,
    listener: SessionListener,
    signal: AbortSignal,
    isKnownToRun = false,
  ) {
    this.#server = server;
    this.id = id;
    this.#sink = sink;
    this.#listener = listener;
    this.#signal = signal;
    this.#isRunning = isKnownToRun;
    if (isKnownToRun) this.#phase = nextPhase(STARTING, { type: "session", state: "RUNNING", reason: "" });
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Open while the instance takes requests. */
  get control(): ControlChannel | null {
    return this.#used?.control ?? null;
  }

  async takeSnapshot(): Promise<StatsSnapshot | null> {
    return (await this.#live?.takeSnapshot()) ?? null;
  }

  start(): void {
    this.#listener.onPhase(this.#phase);
    void followSession(
      this.#server,
      this.id,
      {
        onSession: (info) => this.#follow(info),
        onWarning: (warning) => this.#listener.onWarning(warning),
        onGone: (reason) => this.#end({ type: "gone", reason }),
        onUnreachable: (reason) => this.#dispatch({ type: "unreachable", reason }),
      },
      this.#signal,
    );
    void this.#keepConnected();
  }

  /** Stops the frames while the view is not visible, and closes a transport that cannot do without them. */
  pause(): void {
    if (this.#isPaused || isOver(this.#phase)) return;
    this.#isPaused = true;
    this.#fallback?.pause();
    if (!this.#live?.pause()) this.#attempt?.abort();
    this.#dispatch({ type: "paused" });
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#backoff.reset();
    this.#live?.resume();
    this.#fallback?.resume();
    this.#changes.dispatchEvent(new Event("change"));
  }

  #follow(info: SessionInfo): void {
    this.#listener.onInfo(info);
    this.#isRunning = isRunning(info.state);
    const before = this.#phase;
    this.#dispatch({ type: "session", state: info.state, reason: info.reason });
    if (isOver(this.#phase)) this.#attempt?.abort();
    else if (this.#isRunning && before.name === "reconnecting") this.#backoff.reset();
    this.#changes.dispatchEvent(new Event("change"));
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
    this.#listener.onPhase(next);
  }

  async #keepConnected(): Promise<void> {
    while (!this.#signal.aborted && !isOver(this.#phase)) {
      if (!this.#isRunning || this.#isPaused) {
        await this.#nextChange();
        continue;
      }
      const reason = await this.#connectOnce();
      if (this.#isPaused || this.#signal.aborted || isOver(this.#phase)) continue;
      this.#dispatch({ type: "lost", reason });
      await sleep(this.#backoff.next(), this.#signal);
    }
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      const once = new AbortController();
      const done = () => {
        once.abort();
        resolve();
      };
      this.#changes.addEventListener("change", done, { signal: once.signal });
      this.#signal.addEventListener("abort", done, { signal: once.signal });
      if (this.#signal.aborted) done();
    });
  }

  /** Connects and stays until the connection is lost; the result is the reason. */
  async #connectOnce(): Promise<string> {
    const attempt = childOf(this.#signal);
    this.#attempt = attempt;
    this.#hasPresented = false;
    const fallback = new TransportFallback<Transport>(
      this.#server.transports ?? usableTransports(),
      (name, listener, signal) => this.#open(name, listener, signal),
      {
        onLive: (transport) => {
          this.#use(transport);
          this.#live = transport;
          this.#listener.onTransport(transport.variant);
        },
        onLost: (reason) => attempt.abort(reason),
      },
      this.#upgradeBackoff,
      attempt.signal,
    );
    this.#fallback = fallback;
    void this.#reportReception(attempt.signal);
    try {
      return await new Promise((resolve) => {
        const done = () => resolve(typeof attempt.signal.reason === "string" ? attempt.signal.reason : "");
        attempt.signal.addEventListener("abort", done, { once: true });
        if (attempt.signal.aborted) done();
        else fallback.start();
      });
    } finally {
      this.#attempt = null;
      this.#fallback = null;
      this.#used = null;
      this.#live = null;
      if (!this.#signal.aborted) {
        this.#listener.onTransport(null);
        this.#listener.onClosed();
      }
    }
  }

  /** Opens one transport. Of several, only the events of the one in use are passed on. */
  #open(name: TransportName, attempt: AttemptListener, signal: AbortSignal): Transport {
    const ifUsed = (act: () => void) => () => {
      if (transport === this.#used) act();
    };
    const listener: TransportListener = {
      onHello: (hello) => {
        if (this.#used === null) this.#use(transport);
        else ifUsed(() => this.#listener.onHello(hello))();
      },
      onInput: (channel) => ifUsed(() => this.#listener.onInput(channel))(),
      onState: (state) => ifUsed(() => this.#listener.onState(state))(),
      onStats: (stats) => ifUsed(() => this.#listener.onStats(stats))(),
      onControl: (update) => ifUsed(() => this.#listener.onControl(update))(),
      onPresented: () => {
        attempt.onPresented();
        if (transport === this.#live) this.#framePresented();
      },
      onLost: attempt.onLost,
    };
    signal.addEventListener(
      "abort",
      ifUsed(() => {
        this.#used = null;
        if (this.#attempt?.signal.aborted === false) this.#listener.onClosed();
      }),
      { once: true },
    );
    const path = `sessions/${encodeURIComponent(this.id)}`;
    const openMedia = () => this.#server.socket(`${path}/media`);
    const transport: Transport =
      name === "webrtc"
        ? new WebRtcTransport(this.#server.socket(`${path}/signaling`), openMedia, this.#sink, listener, signal)
        : new WebSocketTransport(name, openMedia(), this.#sink, listener, signal);
    return transport;
  }

  #use(transport: Transport): void {
    if (transport === this.#used) return;
    this.#used = transport;
    if (transport.input) this.#listener.onInput(transport.input);
    if (transport.hello) this.#listener.onHello(transport.hello);
  }

  #framePresented(): void {
    if (!this.#hasPresented) this.#backoff.reset();
    this.#hasPresented = true;
    if (!this.#isPaused) this.#dispatch({ type: "frame" });
  }

  /** Sends receiver reports to the instance, and requests key frames where they are needed. */
  async #reportReception(signal: AbortSignal): Promise<void> {
    let reported: Transport | null = null;
    let reporter = new Reporter();
    while (!signal.aborted) {
      await sleep(SNAPSHOT_INTERVAL, signal);
      const transport = this.#live;
      if (signal.aborted || this.#isPaused || transport?.control == null) continue;
      if (transport !== reported) reporter = new Reporter();
      reported = transport;
      const snapshot = await transport.takeSnapshot();
      if (signal.aborted || transport !== this.#live) continue;
      this.#listener.onTransport(transport.variant);
      const report = reporter.next(snapshot);
      if (report) transport.control?.sendReport(report);
      if (transport.needsKeyFrame(snapshot)) transport.control?.request("key_frame").catch(() => {});
    }
  }
}
