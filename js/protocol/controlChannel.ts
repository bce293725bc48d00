/** Client of the reliable `control` channel: requests with replies, and the instance's notifications. */

import { every } from "../util/abort.ts";
import { isOpen, type MessageSender } from "../transport/transport.ts";
import {
  type ControlUpdate,
  type Hello,
  parseObject,
  type RemoteState,
  type RemoteStats,
  textOf,
  type Verb,
} from "./messages.ts";
import type { Report } from "../transport/reports.ts";

/** The part of RTCDataChannel and WebSocket that is used. */
export type Channel = EventTarget & MessageSender;

export interface ControlListener {
  onHello(hello: Hello): void;
  onState(state: RemoteState): void;
  onStats(stats: RemoteStats): void;
  /** The steering viewer or the requests for steering have changed. */
  onControl(update: ControlUpdate): void;
  /** Nothing was received for five seconds, or the channel was closed. */
  onLost(reason: string): void;
}

/** The instance refused a request, or did not answer; the message is for people. */
export class ControlError extends Error {}

interface PendingRequest {
  resolve(result: unknown): void;
  reject(error: ControlError): void;
  timer: ReturnType<typeof setTimeout>;
}

const PING_EVERY = 1000;
const MISSED_PINGS = 5;

export class ControlChannel {
  readonly #channel: Channel;
  readonly #listener: ControlListener;
  readonly #pending = new Map<number, PendingRequest>();
  #lastId = 0;
  #unanswered = 0;
  #roundTripMs: number | null = null;

  constructor(channel: Channel, listener: ControlListener, signal: AbortSignal) {
    this.#channel = channel;
    this.#listener = listener;
    channel.addEventListener("message", (event) => this.#receive((event as MessageEvent).data), { signal });
    channel.addEventListener("close", () => listener.onLost("the instance closed the connection"), { signal });
    signal.addEventListener("abort", () => this.#rejectAll("the connection ended"), { once: true });
    // Counts ticks, not seconds: after a long task of the page its own silence must not pass for the peer's.
    every(PING_EVERY, signal, () => this.#ping());
  }

  /** Of the last ping; null before the first reply. */
  get roundTripMs(): number | null {
    return this.#roundTripMs;
  }

  /** Sends a receiver report; it has no reply. */
  sendReport(report: Report): void {
    if (!isOpen(this.#channel)) return;
    try {
      this.#channel.send(JSON.stringify({ type: "report", ...report }));
    } catch {
      // The channel closed in the meantime.
    }
  }

  request<Result = unknown>(verb: Verb, args: Record<string, unknown> = {}, timeout = 5000): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (!isOpen(this.#channel)) return reject(new ControlError(`${verb}: not connected`));
      const id = ++this.#lastId;
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new ControlError(`${verb}: no answer within ${timeout / 1000} s`));
      }, timeout);
      this.#pending.set(id, { resolve: (result) => resolve(result as Result), reject, timer });
      try {
        this.#channel.send(JSON.stringify({ type: "request", id, verb, arguments: args }));
      } catch {
        this.#settle(id)?.reject(new ControlError(`${verb}: not connected`));
      }
    });
  }

  #ping(): void {
    if (!isOpen(this.#channel)) return;
    if (this.#unanswered >= MISSED_PINGS) return this.#listener.onLost("the instance no longer answers");
    this.#unanswered += 1;
    const sentAt = performance.now();
    this.request("ping").then(
      () => {
        this.#roundTripMs = performance.now() - sentAt;
      },
      () => {},
    );
  }

  #receive(data: unknown): void {
    this.#unanswered = 0;
    const message = parseObject(data);
    switch (message?.type) {
      case "hello":
        return this.#listener.onHello(message as unknown as Hello);
      case "state":
        return this.#listener.onState(message as unknown as RemoteState);
      case "stats":
        return this.#listener.onStats(message as unknown as RemoteStats);
      case "control":
        return this.#listener.onControl(message as unknown as ControlUpdate);
      case "reply":
        return this.#settle(message.id)?.resolve(message.result);
      case "error":
        return this.#settle(message.id)?.reject(new ControlError(textOf(message.reason, "refused")));
    }
  }

  #settle(id: unknown): PendingRequest | undefined {
    if (typeof id !== "number") return undefined;
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending) clearTimeout(pending.timer);
    return pending;
  }

  #rejectAll(reason: string): void {
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(new ControlError(reason));
  }
}
