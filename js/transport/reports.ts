/** Receiver reports: how the video arrives at this viewer; see `Report` in `protocols/viewer.py`. */

import { growth, type Inbound, type StatsSnapshot } from "./statistics.ts";

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

export const SNAPSHOT_INTERVAL = 250;
const MAX_REPORT_INTERVAL = 1000;
/** Timers are never quite on time. */
const TOLERANCE = 100;

export class Reporter {
  #lastReported: Inbound | null = null;
  #lastSeen: Inbound | null = null;
  #isArriving = false;
  #freezes = 0;

  /**
   * To be called with every snapshot; the report to send now, or null: four a second while anything arrives, else one.
   * Packets that complete no frame are the first sign of a network that has become too narrow.
   */
  next({ inbound, roundTrip, presentMs }: StatsSnapshot): Report | null {
    if (inbound === null) return null;
    const lastSeen = this.#lastSeen;
    this.#lastSeen = inbound;
    if (lastSeen === null) this.#lastReported = inbound;
    if (lastSeen === null || this.#lastReported === null) return null;
    const grew = growth(lastSeen, inbound);
    this.#countFreezes(grew);
    this.#isArriving = grew("framesReceived") > 0;
    const hasTraffic = this.#isArriving || grew("packetsReceived") > 0 || grew("packetsLost") > 0;
    if (!hasTraffic && inbound.timestamp - this.#lastReported.timestamp < MAX_REPORT_INTERVAL - TOLERANCE) return null;
    if (inbound.timestamp <= this.#lastReported.timestamp) return null;
    const report = {
      ...compileReport(this.#lastReported, inbound, roundTrip, this.#freezes),
      present_ms: presentMs === null ? null : inMilliseconds(presentMs / 1000),
    };
    this.#lastReported = inbound;
    return report;
  }

  /**
   * A browser reports a freeze when the first frame arrives after the camera was at rest. Only freezes between frames,
   * or with losses, count.
   */
  #countFreezes(grew: (name: keyof Inbound) => number): void {
    if (this.#isArriving || grew("packetsLost") > 0) this.#freezes += grew("freezeCount");
  }
}

export function compileReport(
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
