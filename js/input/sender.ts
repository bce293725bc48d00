/** Sender of input messages: at once with the event that changes the totals, at most one per 8 ms. */

import { isOpen, type MessageSender } from "../transport/transport.ts";
import { type Motion, Totals } from "./totals.ts";

const MIN_INTERVAL = 8;
/** The channel may lose messages, so a release is sent three times. */
const RELEASE_REPEATS = [20, 60];

export class InputSender {
  readonly #totals = new Totals();
  readonly #holds = new Set<string>();
  #channel: MessageSender | null = null;
  #sequence = 0;
  #lastSentAt = Number.NEGATIVE_INFINITY;
  #scheduled: ReturnType<typeof setTimeout> | null = null;
  #repeats: ReturnType<typeof setTimeout>[] = [];

  constructor(signal: AbortSignal) {
    signal.addEventListener("abort", () => this.attach(null), { once: true });
  }

  /** A pointer or key is down. */
  get isHeld(): boolean {
    return this.#holds.size > 0;
  }

  /** Totals count from the opening of the channel that carries them. */
  attach(channel: MessageSender | null): void {
    this.#cancel();
    this.#channel = channel;
    this.#totals.reset();
    this.#sequence = 0;
    this.#lastSentAt = Number.NEGATIVE_INFINITY;
  }

  move(motion: Motion): void {
    this.#totals.add(motion);
    this.#schedule();
  }

  hold(source: string): void {
    const wasHeld = this.isHeld;
    this.#holds.add(source);
    if (!wasHeld) {
      this.#cancelRepeats();
      this.#schedule();
    }
  }

  release(source: string): void {
    if (!this.#holds.delete(source) || this.isHeld) return;
    this.#send();
    this.#repeats = RELEASE_REPEATS.map((delay) => setTimeout(() => this.#send(), delay));
  }

  #schedule(): void {
    if (this.#scheduled !== null) return;
    const wait = this.#lastSentAt + MIN_INTERVAL - performance.now();
    if (wait <= 0) this.#send();
    else this.#scheduled = setTimeout(() => this.#send(), wait);
  }

  #send(): void {
    if (this.#scheduled !== null) clearTimeout(this.#scheduled);
    this.#scheduled = null;
    if (this.#channel === null || !isOpen(this.#channel)) return;
    this.#lastSentAt = performance.now();
    const message = { type: "input", seq: this.#sequence++, held: this.isHeld, axes: this.#totals.encode() };
    try {
      this.#channel.send(JSON.stringify(message));
    } catch {
      // The channel closed in the meantime; its successor starts from zero.
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
