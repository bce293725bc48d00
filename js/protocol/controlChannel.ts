/** Requests and replies on the reliable `control` channel, and what the instance tells unasked. */

import { every } from "../util/abort.ts";
import { isOpen, type Sending } from "../transport/transport.ts";
import {
  type ControlNews,
  type Hello,
  parseObject,
  type RemoteState,
  type RemoteStats,
  textOf,
  type Verb,
} from "./messages.ts";
import type { Report } from "../transport/reports.ts";

/** The part of RTCDataChannel and WebSocket that is used. */
export type Channel = EventTarget & Sending;

export interface ControlListener {
  hello(hello: Hello): void;
  state(state: RemoteState): void;
  stats(stats: RemoteStats): void;
  /** Who steers has changed, or who asks to. */
  control(news: ControlNews): void;
  /** No sign of life for five seconds, or the channel was closed. */
  lost(reason: string): void;
}

/** The instance refused a request, or did not answer; the message is for people. */
export class ControlError extends Error {}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: ControlError): void;
  timer: ReturnType<typeof setTimeout>;
}

const PING_EVERY = 1000;
const MISSED_PINGS = 5;

export class Control {
  readonly #channel: Channel;
  readonly #listener: ControlListener;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #unanswered = 0;
  #roundTripMs: number | null = null;

  constructor(channel: Channel, listener: ControlListener, signal: AbortSignal) {
    this.#channel = channel;
    this.#listener = listener;
    channel.addEventListener("message", (event) => this.#receive((event as MessageEvent).data), { signal });
    channel.addEventListener("close", () => listener.lost("the instance closed the connection"), { signal });
    signal.addEventListener("abort", () => this.#rejectAll("the connection ended"), { once: true });
    // Ticks are counted, not seconds: a page that was busy for long does not take its own silence for the peer's.
    every(PING_EVERY, signal, () => this.#ping());
  }

  /** Of the last ping; null before its answer. */
  get roundTripMs(): number | null {
    return this.#roundTripMs;
  }

  /** Tells what arrived here; nobody answers. */
  report(report: Report): void {
    if (!isOpen(this.#channel)) return;
    try {
      this.#channel.send(JSON.stringify({ type: "report", ...report }));
    } catch {
      // The channel closed under our hands.
    }
  }

  request<Result = unknown>(verb: Verb, args: Record<string, unknown> = {}, timeout = 5000): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (!isOpen(this.#channel)) return reject(new ControlError(`${verb}: not connected`));
      const id = ++this.#lastId;
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new ControlError(`${verb}: no answer within ${timeout / 1000} s`));
      }, timeout);
      this.#waiting.set(id, { resolve: (result) => resolve(result as Result), reject, timer });
      try {
        this.#channel.send(JSON.stringify({ type: "request", id, verb, arguments: args }));
      } catch {
        this.#settle(id)?.reject(new ControlError(`${verb}: not connected`));
      }
    });
  }

  #ping(): void {
    if (!isOpen(this.#channel)) return;
    if (this.#unanswered >= MISSED_PINGS) return this.#listener.lost("the instance no longer answers");
    this.#unanswered += 1;
    const asked = performance.now();
    this.request("ping").then(
      () => {
        this.#roundTripMs = performance.now() - asked;
      },
      () => {},
    );
  }

  #receive(data: unknown): void {
    this.#unanswered = 0;
    const message = parseObject(data);
    switch (message?.type) {
      case "hello":
        return this.#listener.hello(message as unknown as Hello);
      case "state":
        return this.#listener.state(message as unknown as RemoteState);
      case "stats":
        return this.#listener.stats(message as unknown as RemoteStats);
      case "control":
        return this.#listener.control(message as unknown as ControlNews);
      case "reply":
        return this.#settle(message.id)?.resolve(message.result);
      case "error":
        return this.#settle(message.id)?.reject(new ControlError(textOf(message.reason, "refused")));
    }
  }

  #settle(id: unknown): Waiting | undefined {
    if (typeof id !== "number") return undefined;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting) clearTimeout(waiting.timer);
    return waiting;
  }

  #rejectAll(reason: string): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(new ControlError(reason));
  }
}
