import { expect, test } from "vitest";
import { ExpiryClock, timeLeft } from "../../view/expiry.ts";

const WARNING = { reason: "a session lasts at most 2 h", at: "2026-08-12T17:45:00Z", hint: "", seconds: 120 };

test("the time left is counted from when the warning came", () => {
  let now = 5_000;
  const clock = new ExpiryClock(() => now);
  expect(clock.expiry).toBeNull();
  clock.set(WARNING);
  now += 50_000;
  expect(clock.expiry).toEqual({ reason: WARNING.reason, hint: "", secondsLeft: 70 });
  now += 500_000;
  expect(clock.expiry?.secondsLeft).toBe(0);
});

test("an empty warning cancels it", () => {
  const clock = new ExpiryClock();
  clock.set(WARNING);
  clock.set({ reason: "", at: "", hint: "", seconds: 0 });
  expect(clock.expiry).toBeNull();
});

test("the time left changes in steps", () => {
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
