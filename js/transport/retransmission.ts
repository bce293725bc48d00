/**
 * Whether lost packets should be asked for again. On a good road that mends what single losses break. On one that has
 * become too narrow, the repairs of all that no longer fits, asked for again and again, fill what is left of it for
 * seconds, and no new picture passes: there it is better to let go of what is lost and wait for the next key frame.
 */

import { growth, type Inbound } from "./statistics.ts";

/** So much is lost between two looks, by part and in packets: the road is full, not just bad. */
const FULL = 0.25;
const MANY = 10;
const CLEAN = 0.02;
/** Looks without losses after which repairs are asked for again; two seconds. */
const CALM = 8;

export class RepairWatch {
  #before: Inbound | null = null;
  #repairs = true;
  #calm = 0;

  /** Whether repairs are wanted from now on; null where nothing changes. */
  judge(now: Inbound): boolean | null {
    const before = this.#before;
    this.#before = now;
    if (before === null) return null;
    const lost = growth(before, now)("packetsLost");
    const loss = lost / Math.max(1, lost + growth(before, now)("packetsReceived"));
    if (this.#repairs) {
      if (loss < FULL || lost < MANY) return null;
      this.#calm = 0;
      this.#repairs = false;
      return false;
    }
    this.#calm = loss < CLEAN ? this.#calm + 1 : 0;
    if (this.#calm < CALM) return null;
    this.#repairs = true;
    return true;
  }
}

/** An offer that says: do not ask for lost packets. Requests for key frames stay. */
export function withoutRepairs(offer: string): string {
  return offer.replace(/^a=rtcp-fb:\S+ nack\r?\n/gm, "");
}
