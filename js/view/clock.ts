/** The simulation clock, which runs on its own between the instance's messages, and formats of times and rates. */

import type { RemoteState } from "../protocol/messages.ts";

export class Clock {
  readonly #now: () => number;
  #base = Number.NaN;
  #since = 0;
  #rate = 0;

  /** @param now wall clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  set(state: Pick<RemoteState, "time" | "rate" | "paused">): void {
    this.#base = Date.parse(state.time);
    this.#rate = state.paused ? 0 : state.rate;
    this.#since = this.#now();
  }

  /** Simulation time in milliseconds since 1970 UTC; NaN before anything is known. */
  get time(): number {
    return this.#base + (this.#now() - this.#since) * this.#rate;
  }

  get rate(): number {
    return this.#rate;
  }
}

/** "2026-08-12 17:45:30", or "" for what no Date can show. */
export function formatTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().replace("T", " ").slice(0, -5);
}

const TIME = /^([+-]?\d{4,6})-(\d\d?)-(\d\d?)(?:[T\s]+(\d\d?):(\d\d)(?::(\d\d)(\.\d+)?)?)?\s*(?:Z|UTC)?$/i;

/** Typed text as ISO 8601 UTC, or null. A date alone means its midnight. */
export function parseTime(text: string): string | null {
  const match = TIME.exec(text.trim());
  if (!match) return null;
  const [, year, month, day, hour = "0", minute = "0", second = "0"] = match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hour), Number(minute), Number(second));
  const valid =
    date.getUTCMonth() === Number(month) - 1 &&
    date.getUTCDate() === Number(day) &&
    date.getUTCHours() === Number(hour) &&
    date.getUTCMinutes() === Number(minute) &&
    date.getUTCSeconds() === Number(second);
  return valid ? date.toISOString() : null;
}

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

export const RATES: readonly { rate: number; label: string; long: string }[] = [
  { rate: 1, label: "Real time", long: "Real time" },
  { rate: MINUTE, label: "1 min/s", long: "1 minute per second" },
  { rate: HOUR, label: "1 h/s", long: "1 hour per second" },
  { rate: DAY, label: "1 day/s", long: "1 day per second" },
  { rate: 7 * DAY, label: "1 week/s", long: "1 week per second" },
  { rate: 30.4375 * DAY, label: "1 month/s", long: "1 month per second" },
];

/** A rate in words, with a minus sign when time runs backwards. */
export function formatRate(rate: number): string {
  const size = Math.abs(rate);
  const known = RATES.find((each) => Math.abs(each.rate - size) <= each.rate * 0.02);
  if (known) return rate < 0 ? `−${known.rate === 1 ? "real time" : known.label}` : known.label;
  const units: [number, string][] = [
    [365.25 * DAY, "years"],
    [30.4375 * DAY, "months"],
    [DAY, "days"],
    [HOUR, "h"],
    [MINUTE, "min"],
  ];
  const unit = units.find(([seconds]) => size >= seconds);
  const [seconds, name] = unit ?? [1, "s"];
  const amount = Number((size / seconds).toPrecision(3));
  return `${rate < 0 ? "−" : ""}${amount.toLocaleString("en", { useGrouping: false })} ${name}/s`;
}
