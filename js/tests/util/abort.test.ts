import { expect, test } from "vitest";
import { Backoff, childOf, sleep } from "../../util/abort.ts";

test("waiting times double from 0.3 s to 5 s", () => {
  const backoff = new Backoff();
  expect([1, 2, 3, 4, 5, 6, 7].map(() => backoff.next())).toEqual([300, 600, 1200, 2400, 4800, 5000, 5000]);
  backoff.reset();
  expect(backoff.next()).toBe(300);
});

test("a child ends with its parent, not the other way round", () => {
  const parent = new AbortController();
  const one = childOf(parent.signal);
  const two = childOf(parent.signal);
  one.abort();
  expect(parent.signal.aborted).toBe(false);
  parent.abort();
  expect(two.signal.aborted).toBe(true);
  expect(childOf(parent.signal).signal.aborted).toBe(true);
});

test("sleep ends early with its signal", async () => {
  const life = new AbortController();
  const slept = sleep(1e6, life.signal);
  life.abort();
  await slept;
});
