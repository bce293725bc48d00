/** Frame rate and bit rate choices. */

import type { RemoteState } from "../protocol/messages.ts";

export type BitRateChoice = "low" | "auto" | "high";

/** Null: as many frames as the machine can draw. */
export type FrameRateChoice = number | null;

export const FRAME_RATES: readonly { value: FrameRateChoice; label: string; note?: string }[] = [
  { value: null, label: "Auto", note: "30, or 60 in motion" },
  ...[15, 30, 60].map((value) => ({ value, label: `${value} fps` })),
];

/** The present choice; an older instance sends only a number. */
export function chosenFrameRate(state: RemoteState): FrameRateChoice {
  return state.chosen_frame_rate === undefined ? state.frame_rate : state.chosen_frame_rate;
}

/** The instance's own choice is 4 Mbit/s at 1280x720, in proportion to the size; the others are relative to it. */
const AUTO_BITS_PER_PIXEL = 4e6 / (1280 * 720);
const FACTOR = { low: 0.35, high: 3 };
const MIN_BIT_RATE = 300e3;
const MAX_BIT_RATE = 60e6;

/** Null: the instance follows the size. */
export function bitRateFor(choice: BitRateChoice, size: Pick<RemoteState, "width" | "height">): number | null {
  if (choice === "auto") return null;
  return Math.round(
    Math.min(MAX_BIT_RATE, Math.max(MIN_BIT_RATE, size.width * size.height * AUTO_BITS_PER_PIXEL * FACTOR[choice])),
  );
}

export function formatBitRate(bits: number): string {
  return bits >= 1e6 ? `${(bits / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bits / 1e3)} kbit/s`;
}
