/** The expiry of a session that is about to end: the time left, in words that do not change every second. */

import type { SessionWarning } from "../protocol/messages.ts";

export interface Expiry {
  reason: string;
  hint: string;
  secondsLeft: number;
}

export class ExpiryClock {
  readonly #now: () => number;
  #warning: SessionWarning | null = null;
  #since = 0;

  /** @param now wall clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Null for a session that is not about to end. */
  set(warning: SessionWarning | null): void {
    this.#warning = warning?.at ? warning : null;
    this.#since = this.#now();
  }

  get expiry(): Expiry | null {
    if (this.#warning === null) return null;
    const { reason, hint, seconds } = this.#warning;
    return { reason, hint, secondsLeft: Math.max(0, seconds - (this.#now() - this.#since) / 1000) };
  }
}

/** "in 3 minutes", "in 20 seconds": in steps, because screen readers announce each change. */
export function timeLeft(seconds: number): string {
  if (seconds > 90) return `in ${Math.round(seconds / 60)} minutes`;
  if (seconds > 60) return "in 90 seconds";
  const tens = Math.ceil(seconds / 10) * 10;
  return tens > 0 ? `in ${tens} seconds` : "now";
}
