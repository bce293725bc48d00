/** AbortSignal helpers: child controllers, sleep, intervals; and exponential backoff. */

/** A controller that also ends when `parent` ends. */
export function childOf(parent: AbortSignal): AbortController {
  const child = new AbortController();
  if (parent.aborted) child.abort(parent.reason);
  else parent.addEventListener("abort", () => child.abort(parent.reason), { once: true, signal: child.signal });
  return child;
}

/** Resolves after `milliseconds`, or at once when `signal` ends. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done);
  });
}

/** setInterval that ends with `signal`. */
export function every(milliseconds: number, signal: AbortSignal, action: () => void): void {
  if (signal.aborted) return;
  const timer = setInterval(action, milliseconds);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}

/** Waiting times that double from 0.3 s to 5 s; `reset` once things work again. */
export class Backoff {
  readonly #first: number;
  readonly #last: number;
  #next: number;

  constructor(first = 300, last = 5000) {
    this.#first = first;
    this.#last = last;
    this.#next = first;
  }

  next(): number {
    const now = this.#next;
    this.#next = Math.min(now * 2, this.#last);
    return now;
  }

  reset(): void {
    this.#next = this.#first;
  }
}
