/**
 * Retransmission control: whether this browser asks for lost packets. On a good network that repairs single losses.
 * When the bandwidth collapses, repeated requests for all that no longer fits fill the rest of it for seconds, and no
 * new frame passes: then it is better to give up the lost packets and wait for the next key frame.
 */

import { growth, type Inbound } from "./statistics.ts";

/** Loss between two snapshots, by part and in packets, at which the network is congested, not just lossy. */
const CONGESTED_LOSS = 0.25;
const CONGESTED_PACKETS = 10;
const CLEAN_LOSS = 0.02;
/** Clean snapshots in a row after which retransmission starts again; two seconds. */
const CLEAN_SNAPSHOTS = 8;

export class RetransmissionControl {
  #before: Inbound | null = null;
  #isEnabled = true;
  #cleanSnapshots = 0;

  /** Whether to turn retransmission on or off; null for no change. */
  update(now: Inbound): boolean | null {
    const before = this.#before;
    this.#before = now;
    if (before === null) return null;
    const lost = growth(before, now)("packetsLost");
    const loss = lost / Math.max(1, lost + growth(before, now)("packetsReceived"));
    if (this.#isEnabled) {
      if (loss < CONGESTED_LOSS || lost < CONGESTED_PACKETS) return null;
      this.#cleanSnapshots = 0;
      this.#isEnabled = false;
      return false;
    }
    this.#cleanSnapshots = loss < CLEAN_LOSS ? this.#cleanSnapshots + 1 : 0;
    if (this.#cleanSnapshots < CLEAN_SNAPSHOTS) return null;
    this.#isEnabled = true;
    return true;
  }
}

/** The offer without generic NACK feedback. Requests for key frames (NACK PLI) stay. */
export function withoutRetransmission(offer: string): string {
  return offer.replace(/^a=rtcp-fb:\S+ nack\r?\n/gm, "");
}
