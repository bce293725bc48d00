import { expect, test } from "vitest";
import { EndingClock, timeLeft } from "../../view/expiry.ts";

const WARNING = { reason: "a session lasts at most 2 h", at: "2026-08-12T17:45:00Z", hint: "", seconds: 120 };

test("the time left is counted from when the warning came", () => {
  let now = 5_000;
  const clock = new EndingClock(() => now);
  expect(clock.ending).toBeNull();
  clock.set(WARNING);
  now += 50_000;
  expect(clock.ending).toEqual({ reason: WARNING.reason, hint: "", left: 70 });
  now += 500_000;
  expect(clock.ending?.left).toBe(0);
});

test("an empty warning takes it back", () => {
  const clock = new EndingClock();
  clock.set(WARNING);
  clock.set({ reason: "", at: "", hint: "", seconds: 0 });
  expect(clock.ending).toBeNull();
});

test("what is left is said in steps", () => {
  expect([240, 100, 75, 60, 52, 9.5, 0].map(timeLeft)).toEqual([
    "in 4 minutes",
    "in 2 minutes",
    "in 90 seconds",
    "in 60 seconds",
    "in 60 seconds",
    "in 10 seconds",
    "now",
  ]);
});
