/** Sends the totals: at once with the event that changed them, but not more often than a hand can tell. */

import { isOpen, type Sending } from "../transport/transport.ts";
import { type Motion, Totals } from "./totals.ts";

const LEAST_INTERVAL = 8;
/** The channel may lose messages: a release is said three times. */
const RELEASE_AGAIN = [20, 60];

export class InputSender {
  readonly #totals = new Totals();
  readonly #holders = new Set<string>();
  #channel: Sending | null = null;
  #sequence = 0;
  #lastSent = Number.NEGATIVE_INFINITY;
  #scheduled: ReturnType<typeof setTimeout> | null = null;
  #repeats: ReturnType<typeof setTimeout>[] = [];

  constructor(signal: AbortSignal) {
    signal.addEventListener("abort", () => this.attach(null), { once: true });
  }

  get held(): boolean {
    return this.#holders.size > 0;
  }

  /** Totals count from the opening of the channel they are sent on. */
  attach(channel: Sending | null): void {
    this.#cancel();
    this.#channel = channel;
    this.#totals.reset();
    this.#sequence = 0;
    this.#lastSent = Number.NEGATIVE_INFINITY;
  }

  move(motion: Motion): void {
    this.#totals.add(motion);
    this.#changed();
  }

  hold(holder: string): void {
    const was = this.held;
    this.#holders.add(holder);
    if (!was) {
      this.#cancelRepeats();
      this.#changed();
    }
  }

  release(holder: string): void {
    if (!this.#holders.delete(holder) || this.held) return;
    this.#send();
    this.#repeats = RELEASE_AGAIN.map((delay) => setTimeout(() => this.#send(), delay));
  }

  #changed(): void {
    if (this.#scheduled !== null) return;
    const wait = this.#lastSent + LEAST_INTERVAL - performance.now();
    if (wait <= 0) this.#send();
    else this.#scheduled = setTimeout(() => this.#send(), wait);
  }

  #send(): void {
    if (this.#scheduled !== null) clearTimeout(this.#scheduled);
    this.#scheduled = null;
    if (this.#channel === null || !isOpen(this.#channel)) return;
    this.#lastSent = performance.now();
    const message = { type: "input", seq: this.#sequence++, held: this.held, axes: this.#totals.encode() };
    try {
      this.#channel.send(JSON.stringify(message));
    } catch {
      // The channel closed under our hands; its successor starts from zero.
    }
  }

  #cancel(): void {
    if (this.#scheduled !== null) clearTimeout(this.#scheduled);
    this.#scheduled = null;
    this.#cancelRepeats();
  }

  #cancelRepeats(): void {
    for (const timer of this.#repeats.splice(0)) clearTimeout(timer);
  }
}
