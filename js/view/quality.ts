/** Frame rates and bit rates to choose from. */

import type { RemoteState } from "../connection/messages.ts";

export type BitRateChoice = "low" | "auto" | "high";

export const FRAME_RATES = [15, 30, 60] as const;

/** The instance's own choice is 4 Mbit/s at 1280x720, more or less with the size; the others are parts of it. */
const AUTO_BITS_PER_PIXEL = 4e6 / (1280 * 720);
const SHARE = { low: 0.35, high: 3 };
const LEAST = 300e3;
const MOST = 60e6;

/** Null: the instance follows the size by itself. */
export function bitRateFor(choice: BitRateChoice, size: Pick<RemoteState, "width" | "height">): number | null {
  if (choice === "auto") return null;
  return Math.round(Math.min(MOST, Math.max(LEAST, size.width * size.height * AUTO_BITS_PER_PIXEL * SHARE[choice])));
}

export function formatBitRate(bits: number): string {
  return bits >= 1e6 ? `${(bits / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bits / 1e3)} kbit/s`;
}
