/** What this viewer tells the instance of how its picture arrives; see `Report` in `protocols/viewer.py`. */

import { growth, type Inbound, type Look } from "./statistics.ts";

export interface Report {
  fps: number;
  loss: number;
  jitter_ms: number | null;
  rtt_ms: number | null;
  freezes: number;
  decode_ms: number | null;
  frames_decoded: number;
  jitter_buffer_ms: number | null;
  present_ms: number | null;
  bit_rate: number;
}

/** How often to look. */
export const LOOK_EVERY = 250;
const AT_LEAST_EVERY = 1000;
/** Timers are never quite on time. */
const TOLERANCE = 100;

export class Reporter {
  #told: Inbound | null = null;
  #seen: Inbound | null = null;
  #arriving = false;
  #freezes = 0;

  /**
   * To be called with each look; the report to send now, or null: four a second while anything arrives, else one.
   * Packets that make no picture are the first that is seen of a road that has become too narrow.
   */
  consider({ inbound, roundTrip, presentMs }: Look): Report | null {
    if (inbound === null) return null;
    const seen = this.#seen;
    this.#seen = inbound;
    if (seen === null) this.#told = inbound;
    if (seen === null || this.#told === null) return null;
    const grew = growth(seen, inbound);
    this.#count(grew);
    this.#arriving = grew("framesReceived") > 0;
    const something = this.#arriving || grew("packetsReceived") > 0 || grew("packetsLost") > 0;
    if (!something && inbound.timestamp - this.#told.timestamp < AT_LEAST_EVERY - TOLERANCE) return null;
    if (inbound.timestamp <= this.#told.timestamp) return null;
    const report = {
      ...reportOf(this.#told, inbound, roundTrip, this.#freezes),
      present_ms: presentMs === null ? null : inMilliseconds(presentMs / 1000),
    };
    this.#told = inbound;
    return report;
  }

  /**
   * A browser calls it a freeze when the first picture comes after the camera was at rest. Only those count in the
   * midst of pictures, or where something was lost.
   */
  #count(grew: (name: keyof Inbound) => number): void {
    if (this.#arriving || grew("packetsLost") > 0) this.#freezes += grew("freezeCount");
  }
}

export function reportOf(
  before: Inbound,
  after: Inbound,
  roundTrip: number | null,
  freezes: number,
): Omit<Report, "present_ms"> {
  const grew = growth(before, after);
  const seconds = Math.max(1e-3, grew("timestamp") / 1000);
  const lost = grew("packetsLost");
  const packets = lost + grew("packetsReceived");
  return {
    fps: rounded(Math.min(1000, grew("framesReceived") / seconds)),
    loss: packets > 0 ? rounded(lost / packets) : 0,
    jitter_ms: inMilliseconds(after.jitter),
    rtt_ms: inMilliseconds(roundTrip),
    freezes,
    decode_ms: inMilliseconds(per(grew("totalDecodeTime"), grew("framesDecoded"))),
    frames_decoded: after.framesDecoded ?? 0,
    jitter_buffer_ms: inMilliseconds(per(grew("jitterBufferDelay"), grew("jitterBufferEmittedCount"))),
    bit_rate: Math.round((grew("bytesReceived") * 8) / seconds),
  };
}

function per(amount: number, count: number): number | null {
  return count > 0 ? amount / count : null;
}

function inMilliseconds(seconds: number | null | undefined): number | null {
  return seconds == null ? null : Math.min(600_000, Math.max(0, rounded(seconds * 1000)));
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
