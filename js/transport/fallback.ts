/**
 * Tries the rungs from the best down, each alongside those above it, and uses the best one that shows a picture. From
 * a lower rung it tries the higher ones again now and then; the picture goes on meanwhile.
 */

import { type Backoff, childOf, sleep } from "../util/abort.ts";
import type { Rung } from "./transports.ts";

/** What a rung tells while it is tried and used. */
export interface Footing {
  presented(): void;
  lost(reason: string): void;
}

export interface LadderListener<Held> {
  /** This rung's picture is the one that is seen from now on. */
  live(held: Held): void;
  /** The rung that was seen, or the last that was tried, is gone; all have ended. */
  lost(reason: string): void;
}

/** The next rung is tried when one has shown nothing for so long: the way down takes less than three seconds. */
export const FALL_AFTER = 2000;
export const GIVE_UP_AFTER = 12_000;
export const CLIMB_AFTER = 30_000;
export const CLIMB_AT_LEAST_EVERY = 600_000;

interface Trial<Held> {
  readonly rung: Rung;
  readonly life: AbortController;
  held: Held | null;
}

export class Ladder<Held> {
  readonly #rungs: readonly Rung[];
  readonly #hold: (rung: Rung, footing: Footing, signal: AbortSignal) => Held;
  readonly #listener: LadderListener<Held>;
  readonly #climbing: Backoff;
  readonly #signal: AbortSignal;
  readonly #trials = new Map<Rung, Trial<Held>>();
  #live: Trial<Held> | null = null;
  #resting = false;
  #climbAhead = false;
  #over = false;

  constructor(
    rungs: readonly Rung[],
    hold: (rung: Rung, footing: Footing, signal: AbortSignal) => Held,
    listener: LadderListener<Held>,
    climbing: Backoff,
    signal: AbortSignal,
  ) {
    this.#rungs = rungs;
    this.#hold = hold;
    this.#listener = listener;
    this.#climbing = climbing;
    this.#signal = signal;
  }

  start(): void {
    this.#try(0);
    if (this.#rungs.length === 0) this.#end("this browser has no way to show the picture");
  }

  /** Nobody looks: nothing is tried until somebody does. */
  rest(): void {
    this.#resting = true;
    for (const trial of [...this.#trials.values()]) if (trial !== this.#live) this.#drop(trial);
  }

  wake(): void {
    if (!this.#resting) return;
    this.#resting = false;
    if (this.#live) this.#climbLater();
  }

  #try(at: number): void {
    const rung = this.#rungs[at];
    if (rung === undefined || this.#over || this.#resting || this.#signal.aborted) return;
    if (this.#live && at >= this.#place(this.#live)) return;
    if (this.#trials.has(rung)) return this.#try(at + 1);
    const trial: Trial<Held> = { rung, life: childOf(this.#signal), held: null };
    this.#trials.set(rung, trial);
    const footing: Footing = {
      presented: () => this.#presented(trial),
      lost: (reason) => this.#lost(trial, reason),
    };
    void this.#patience(trial, at);
    try {
      trial.held = this.#hold(rung, footing, trial.life.signal);
    } catch (error) {
      this.#lost(trial, String(error));
    }
  }

  /** A hidden page presents nothing, whatever arrives: there the time does not count. */
  async #patience(trial: Trial<Held>, at: number): Promise<void> {
    const { signal } = trial.life;
    do await sleep(FALL_AFTER, signal);
    while (document.hidden && !signal.aborted);
    if (signal.aborted || trial === this.#live) return;
    this.#try(at + 1);
    do await sleep(GIVE_UP_AFTER - FALL_AFTER, signal);
    while (document.hidden && !signal.aborted);
    if (!signal.aborted && trial !== this.#live) this.#lost(trial, reasonFor(trial.rung));
  }

  #presented(trial: Trial<Held>): void {
    if (trial === this.#live || trial.life.signal.aborted || trial.held === null) return;
    if (this.#live && this.#place(this.#live) < this.#place(trial)) return this.#drop(trial);
    this.#live = trial;
    this.#listener.live(trial.held);
    for (const other of [...this.#trials.values()]) if (this.#place(other) > this.#place(trial)) this.#drop(other);
    this.#climbLater();
  }

  #lost(trial: Trial<Held>, reason: string): void {
    if (trial.life.signal.aborted) return;
    this.#drop(trial);
    if (trial === this.#live) return this.#end(reason);
    this.#try(this.#place(trial) + 1);
    if (this.#live) this.#climbLater();
    else if (this.#trials.size === 0) this.#end(reason);
  }

  #drop(trial: Trial<Held>): void {
    this.#trials.delete(trial.rung);
    trial.life.abort();
  }

  #climbLater(): void {
    const live = this.#live;
    if (live === null || this.#climbAhead || this.#resting) return;
    if (this.#place(live) === 0 || this.#trials.size > 1) return;
    this.#climbAhead = true;
    void sleep(this.#climbing.next(), live.life.signal).then(() => {
      this.#climbAhead = false;
      if (live !== this.#live) return this.#climbLater();
      if (this.#trials.size === 1) this.#try(0);
    });
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    for (const trial of [...this.#trials.values()]) this.#drop(trial);
    this.#listener.lost(reason);
  }

  #place(trial: Trial<Held>): number {
    return this.#rungs.indexOf(trial.rung);
  }
}

function reasonFor(rung: Rung): string {
  return rung === "webrtc"
    ? "no picture came; a firewall may block UDP between this browser and the render host"
    : "connected, but no picture came";
}
