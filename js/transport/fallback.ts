/**
 * Transport fallback: tries the transports from the best down, each in parallel with those above it, and uses the best
 * one that shows a frame. From a lower transport it tries the higher ones again from time to time, without a break.
 */

import { type Backoff, childOf, sleep } from "../util/abort.ts";
import type { TransportName } from "./transports.ts";

/** For a transport to report to while it is tried and used. */
export interface AttemptListener {
  onPresented(): void;
  onLost(reason: string): void;
}

export interface FallbackListener<Opened> {
  /** The frames of this transport are shown from now on. */
  onLive(transport: Opened): void;
  /** The transport in use, or the last one tried, is lost; all attempts have ended. */
  onLost(reason: string): void;
}

/** Without a frame for so long, the next transport is tried: the whole way down takes less than three seconds. */
export const FALLBACK_AFTER = 2000;
export const GIVE_UP_AFTER = 12_000;
export const UPGRADE_AFTER = 30_000;
export const MAX_UPGRADE_INTERVAL = 600_000;

interface Attempt<Opened> {
  readonly name: TransportName;
  readonly life: AbortController;
  transport: Opened | null;
}

export class TransportFallback<Opened> {
  readonly #names: readonly TransportName[];
  readonly #open: (name: TransportName, listener: AttemptListener, signal: AbortSignal) => Opened;
  readonly #listener: FallbackListener<Opened>;
  readonly #upgradeBackoff: Backoff;
  readonly #signal: AbortSignal;
  readonly #attempts = new Map<TransportName, Attempt<Opened>>();
  #live: Attempt<Opened> | null = null;
  #isPaused = false;
  #isUpgradeScheduled = false;
  #isOver = false;

  constructor(
    names: readonly TransportName[],
    open: (name: TransportName, listener: AttemptListener, signal: AbortSignal) => Opened,
    listener: FallbackListener<Opened>,
    upgradeBackoff: Backoff,
    signal: AbortSignal,
  ) {
    this.#names = names;
    this.#open = open;
    this.#listener = listener;
    this.#upgradeBackoff = upgradeBackoff;
    this.#signal = signal;
  }

  start(): void {
    this.#try(0);
    if (this.#names.length === 0) this.#end("this browser supports none of the video transports");
  }

  /** Ends all attempts but the live one, and starts none until `resume`. */
  pause(): void {
    this.#isPaused = true;
    for (const attempt of [...this.#attempts.values()]) if (attempt !== this.#live) this.#drop(attempt);
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#live) this.#scheduleUpgrade();
  }

  #try(rank: number): void {
    const name = this.#names[rank];
    if (name === undefined || this.#isOver || this.#isPaused || this.#signal.aborted) return;
    if (this.#live && rank >= this.#rankOf(this.#live)) return;
    if (this.#attempts.has(name)) return this.#try(rank + 1);
    const attempt: Attempt<Opened> = { name, life: childOf(this.#signal), transport: null };
    this.#attempts.set(name, attempt);
    const listener: AttemptListener = {
      onPresented: () => this.#presented(attempt),
      onLost: (reason) => this.#lost(attempt, reason),
    };
    void this.#watchTimeouts(attempt, rank);
    try {
      attempt.transport = this.#open(name, listener, attempt.life.signal);
    } catch (error) {
      this.#lost(attempt, String(error));
    }
  }

  /** A hidden page presents nothing, whatever arrives: time does not count while it is hidden. */
  async #watchTimeouts(attempt: Attempt<Opened>, rank: number): Promise<void> {
    const { signal } = attempt.life;
    do await sleep(FALLBACK_AFTER, signal);
    while (document.hidden && !signal.aborted);
    if (signal.aborted || attempt === this.#live) return;
    this.#try(rank + 1);
    do await sleep(GIVE_UP_AFTER - FALLBACK_AFTER, signal);
    while (document.hidden && !signal.aborted);
    if (!signal.aborted && attempt !== this.#live) this.#lost(attempt, timeoutReason(attempt.name));
  }

  #presented(attempt: Attempt<Opened>): void {
    if (attempt === this.#live || attempt.life.signal.aborted || attempt.transport === null) return;
    if (this.#live && this.#rankOf(this.#live) < this.#rankOf(attempt)) return this.#drop(attempt);
    this.#live = attempt;
    this.#listener.onLive(attempt.transport);
    for (const other of [...this.#attempts.values()])
      if (this.#rankOf(other) > this.#rankOf(attempt)) this.#drop(other);
    this.#scheduleUpgrade();
  }

  #lost(attempt: Attempt<Opened>, reason: string): void {
    if (attempt.life.signal.aborted) return;
    this.#drop(attempt);
    if (attempt === this.#live) return this.#end(reason);
    this.#try(this.#rankOf(attempt) + 1);
    if (this.#live) this.#scheduleUpgrade();
    else if (this.#attempts.size === 0) this.#end(reason);
  }

  #drop(attempt: Attempt<Opened>): void {
    this.#attempts.delete(attempt.name);
    attempt.life.abort();
  }

  #scheduleUpgrade(): void {
    const live = this.#live;
    if (live === null || this.#isUpgradeScheduled || this.#isPaused) return;
    if (this.#rankOf(live) === 0 || this.#attempts.size > 1) return;
    this.#isUpgradeScheduled = true;
    void sleep(this.#upgradeBackoff.next(), live.life.signal).then(() => {
      this.#isUpgradeScheduled = false;
      if (live !== this.#live) return this.#scheduleUpgrade();
      if (this.#attempts.size === 1) this.#try(0);
    });
  }

  #end(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const attempt of [...this.#attempts.values()]) this.#drop(attempt);
    this.#listener.onLost(reason);
  }

  #rankOf(attempt: Attempt<Opened>): number {
    return this.#names.indexOf(attempt.name);
  }
}

function timeoutReason(name: TransportName): string {
  return name === "webrtc"
    ? "no frame arrived; a firewall may block UDP between this browser and the render host"
    : "connected, but no frame arrived";
}
