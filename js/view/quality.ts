/** Frame rates and bit rates to choose from. */

import type { RemoteState } from "../protocol/messages.ts";

export type BitRateChoice = "low" | "auto" | "high";

/** Null: the instance draws as many as the machine can afford. */
export type FrameRateChoice = number | null;

export const FRAME_RATES: readonly { value: FrameRateChoice; label: string; note?: string }[] = [
  { value: null, label: "Auto", note: "30, or 60 in motion" },
  ...[15, 30, 60].map((value) => ({ value, label: `${value} fps` })),
];

/** What is chosen; an older instance knows no choice but a number. */
export function chosenFrameRate(state: RemoteState): FrameRateChoice {
  return state.chosen_frame_rate === undefined ? state.frame_rate : state.chosen_frame_rate;
}

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
