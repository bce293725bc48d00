/** One view's connection to one session: follows its life and keeps a peer connection while it runs. */

import { Control } from "./control.ts";
import { followSession } from "./events.ts";
import { Backoff, childOf, every, sleep } from "./lifetime.ts";
import type { Hello, RemoteState, RemoteStats, SessionInfo } from "./messages.ts";
import { isOver, nextPhase, type Phase, type PhaseEvent, STARTING } from "./phase.ts";
import type { Server } from "./server.ts";
import { Signaling } from "./signaling.ts";
import { PictureLossWatch } from "./statistics.ts";
import { Peer } from "./webrtc.ts";

export interface SessionView {
  phase(phase: Phase): void;
  info(info: SessionInfo): void;
  stream(stream: MediaStream): void;
  input(channel: RTCDataChannel): void;
  /** The peer connection is gone, and with it stream and channels. */
  closed(): void;
  hello(hello: Hello): void;
  state(state: RemoteState): void;
  stats(stats: RemoteStats): void;
}

const FIRST_FRAME_WITHIN = 12_000;
const ASK_KEY_FRAME_EVERY = 2000;
const WATCH_PICTURE_EVERY = 250;
/** Signaling is closed once connected, but not before late candidates had their time. */
const SIGNALING_LINGER = 3000;

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
  #control: Control | null = null;
  #peer: Peer | null = null;
  #attempt: AbortController | null = null;
  #presented = false;

  constructor(server: Server, id: string, view: SessionView, signal: AbortSignal) {
    this.#server = server;
    this.id = id;
    this.#view = view;
    this.#signal = signal;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Open while the instance can be asked for something. */
  get control(): Control | null {
    return this.#control;
  }

  get connection(): RTCPeerConnection | null {
    return this.#peer?.connection ?? null;
  }

  start(): void {
    this.#view.phase(this.#phase);
    void followSession(
      this.#server,
      this.id,
      {
        session: (info) => this.#follow(info),
        gone: (reason) => this.#end({ type: "gone", reason }),
        unreachable: (reason) => this.#dispatch({ type: "unreachable", reason }),
      },
      this.#signal,
    );
    void this.#keepConnected();
  }

  /** The video element has presented a frame of the current stream. */
  framePresented(): void {
    if (this.#attempt === null) return;
    if (!this.#presented) this.#backoff.reset();
    this.#presented = true;
    this.#dispatch({ type: "frame" });
  }

  /** Nobody looks: let go of the peer connection until somebody does. */
  rest(): void {
    if (this.#resting || isOver(this.#phase)) return;
    this.#resting = true;
    this.#attempt?.abort();
    this.#dispatch({ type: "resting" });
  }

  wake(): void {
    this.#resting = false;
    this.#backoff.reset();
    this.#changed.dispatchEvent(new Event("change"));
  }

  #follow(info: SessionInfo): void {
    this.#view.info(info);
    this.#running = info.state === "RUNNING";
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
    try {
      return await this.#connection(attempt.signal, (reason) => attempt.abort(reason));
    } finally {
      attempt.abort();
      this.#attempt = null;
      this.#control = null;
      this.#peer = null;
      if (!this.#signal.aborted) this.#view.closed();
    }
  }

  #connection(signal: AbortSignal, lost: (reason: string) => void): Promise<string> {
    let connected = false;
    const signaling: Signaling = new Signaling(
      this.#server.socket(`sessions/${encodeURIComponent(this.id)}/signaling`),
      {
        offer: (sdp) => {
          peer.accept(sdp).then(
            (answer) => signaling.answer(answer),
            (error: unknown) => lost(`the offer was not usable: ${String(error)}`),
          );
        },
        candidate: (candidate) => void peer.addCandidate(candidate),
        refused: lost,
        closed: (code) => {
          if (!connected) lost(code === 4409 ? "the session is not running yet" : "signaling was interrupted");
        },
      },
      signal,
    );
    const peer = new Peer(
      {
        candidate: (candidate) => signaling.candidate(candidate),
        stream: (stream) => this.#view.stream(stream),
        channel: (channel) => this.#open(channel, lost, signal),
        connected: () => {
          connected = true;
          void sleep(SIGNALING_LINGER, signal).then(() => signaling.close());
        },
        lost,
      },
      signal,
    );
    this.#peer = peer;
    this.#watch(peer, () => connected, lost, signal);
    return new Promise((resolve) => {
      const done = () => resolve(typeof signal.reason === "string" ? signal.reason : "");
      if (signal.aborted) done();
      else signal.addEventListener("abort", done, { once: true });
    });
  }

  #open(channel: RTCDataChannel, lost: (reason: string) => void, signal: AbortSignal): void {
    if (channel.label === "input") {
      this.#view.input(channel);
    } else if (channel.label === "control") {
      this.#control = new Control(
        channel,
        {
          hello: (hello) => this.#view.hello(hello),
          state: (state) => this.#view.state(state),
          stats: (stats) => this.#view.stats(stats),
          lost,
        },
        signal,
      );
    }
  }

  /** Sees to it that the first picture comes, and that a broken one is repaired. */
  #watch(peer: Peer, connected: () => boolean, lost: (reason: string) => void, signal: AbortSignal): void {
    const keyFrame = () => this.#control?.request("key_frame").catch(() => {});
    const picture = new PictureLossWatch();
    void sleep(FIRST_FRAME_WITHIN, signal).then(() => {
      if (this.#presented || signal.aborted || document.hidden) return;
      lost(
        connected()
          ? "connected, but no picture came"
          : "no connection to the instance; a firewall may block UDP between this browser and the render host",
      );
    });
    every(ASK_KEY_FRAME_EVERY, signal, () => {
      if (connected() && !this.#presented) void keyFrame();
    });
    every(WATCH_PICTURE_EVERY, signal, () => {
      if (!this.#presented) return;
      void picture.needsKeyFrame(peer.connection).then((needed) => {
        if (needed && !signal.aborted) void keyFrame();
      });
    });
  }
}
