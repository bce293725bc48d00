import { expect, test } from "vitest";
import { bitRateFor, formatBitRate } from "../../view/quality.ts";
import { frameSize } from "../../view/size.ts";

test.each([
  [{ width: 900, height: 506.25 }, 1, { width: 900, height: 506 }],
  [{ width: 641, height: 361 }, 2, { width: 1282, height: 722 }],
  [{ width: 901, height: 507 }, 1, { width: 902, height: 508 }],
  [{ width: 20, height: 10 }, 1, { width: 64, height: 64 }],
  [{ width: 3840, height: 2160 }, 2, { width: 3840, height: 2160 }],
  [{ width: 3000, height: 3000 }, 1, { width: 2160, height: 2160 }],
])("%o at ratio %d is drawn as %o", (box, ratio, size) => expect(frameSize(box, ratio)).toEqual(size));

test("bit rates follow the size", () => {
  expect(bitRateFor("auto", { width: 1280, height: 720 })).toBeNull();
  expect(bitRateFor("low", { width: 64, height: 64 })).toBe(300_000);
  expect(bitRateFor("high", { width: 3840, height: 2160 })).toBe(60_000_000);
  expect([formatBitRate(4e6), formatBitRate(51_200)]).toEqual(["4.0 Mbit/s", "51 kbit/s"]);
});
