import { expect, test } from "vitest";
import { Clock, formatRate, formatTime, parseTime } from "../../view/clock.ts";

test("the clock runs at the rate, and stands while paused", () => {
  let now = 0;
  const clock = new Clock(() => now);
  expect(formatTime(clock.time)).toBe("");
  clock.set({ time: "2026-08-12T17:45:00.000Z", rate: 3600, paused: false });
  now = 2000;
  expect(formatTime(clock.time)).toBe("2026-08-12 19:45:00");
  clock.set({ time: "2026-08-12T19:45:00.000Z", rate: -60, paused: false });
  now = 3000;
  expect(formatTime(clock.time)).toBe("2026-08-12 19:44:00");
  clock.set({ time: "2026-08-12T19:44:00.000Z", rate: -60, paused: true });
  now = 99_000;
  expect(formatTime(clock.time)).toBe("2026-08-12 19:44:00");
});

test.each([
  ["2026-08-12 17:45", "2026-08-12T17:45:00.000Z"],
  [" 2026-8-2T07:45:30Z ", "2026-08-02T07:45:30.000Z"],
  ["2026-08-12", "2026-08-12T00:00:00.000Z"],
  ["0099-01-01", "0099-01-01T00:00:00.000Z"],
])("%s is %s", (typed, time) => expect(parseTime(typed)).toBe(time));

test.each(["", "tomorrow", "2026-13-01", "2026-02-30", "2026-01-01 25:00", "12/08/2026"])("%s is no time", (typed) =>
  expect(parseTime(typed)).toBeNull());

test.each([
  [1, "Real time"],
  [-1, "−real time"],
  [3600, "1 h/s"],
  [-604_800, "−1 week/s"],
  [2_629_800, "1 month/s"],
  [2_592_000, "1 month/s"],
  [10, "10 s/s"],
  [0, "0 s/s"],
  [-7200, "−2 h/s"],
])("a rate of %d reads %s", (rate, text) => expect(formatRate(rate)).toBe(text));
