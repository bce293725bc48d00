import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CLIMB_AFTER, FALL_AFTER, type Footing, GIVE_UP_AFTER, Ladder } from "../../transport/fallback.ts";
import { Backoff } from "../../util/abort.ts";
import { RUNGS, type Rung } from "../../transport/transports.ts";

interface Held extends Footing {
  rung: Rung;
  signal: AbortSignal;
}

let held: Held[];
let life: AbortController;
const listener = { live: vi.fn(), lost: vi.fn() };

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  held = [];
  life = new AbortController();
});
afterEach(() => {
  life.abort();
  vi.useRealTimers();
});

function climb(rungs: readonly Rung[] = RUNGS) {
  const hold = (rung: Rung, footing: Footing, signal: AbortSignal): Held => {
    const one = { rung, signal, ...footing };
    held.push(one);
    return one;
  };
  const ladder = new Ladder<Held>(rungs, hold, listener, new Backoff(CLIMB_AFTER, 10 * CLIMB_AFTER), life.signal);
  ladder.start();
  return ladder;
}
const tried = () => held.map(({ rung }) => rung);
const open = () => held.filter(({ signal }) => !signal.aborted).map(({ rung }) => rung);
const wait = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const last = (rung: Rung) => held.findLast((one) => one.rung === rung)!;

test("the best rung that shows a picture at once is all that is tried", async () => {
  climb();
  last("webrtc").presented();
  await wait(10 * CLIMB_AFTER);
  expect(tried()).toEqual(["webrtc"]);
  expect(listener.live).toHaveBeenCalledExactlyOnceWith(held[0]);
});

test("without a picture the next rung is tried alongside, and the first picture counts", async () => {
  climb();
  await wait(FALL_AFTER);
  expect(open()).toEqual(["webrtc", "websocket"]);
  last("websocket").presented();
  expect(listener.live).toHaveBeenCalledExactlyOnceWith(last("websocket"));
  await wait(FALL_AFTER);
  expect(open()).toEqual(["webrtc", "websocket"]);
  await wait(GIVE_UP_AFTER);
  expect(open()).toEqual(["websocket"]);
  expect(listener.lost).not.toHaveBeenCalled();
});

test("a late picture of a better rung takes over", async () => {
  climb();
  await wait(FALL_AFTER);
  last("websocket").presented();
  last("webrtc").presented();
  expect(listener.live).toHaveBeenLastCalledWith(last("webrtc"));
  expect(open()).toEqual(["webrtc"]);
  last("websocket").lost("too late to matter");
  expect(listener.lost).not.toHaveBeenCalled();
});

test("a rung that fails hands over at once", () => {
  climb();
  last("webrtc").lost("no way");
  last("websocket").lost("no decoder");
  last("images").presented();
  expect(listener.live).toHaveBeenCalledExactlyOnceWith(last("images"));
});

test("from a lower rung it climbs after a while, then more and more seldom, and the picture goes on", async () => {
  climb();
  last("webrtc").lost("no way");
  last("websocket").presented();
  await wait(CLIMB_AFTER);
  expect(open()).toEqual(["websocket", "webrtc"]);
  last("webrtc").lost("still no way");
  expect(open()).toEqual(["websocket"]);
  await wait(CLIMB_AFTER);
  expect(tried()).toHaveLength(3);
  await wait(CLIMB_AFTER);
  expect(open()).toEqual(["websocket", "webrtc"]);
  last("webrtc").presented();
  expect(listener.live).toHaveBeenLastCalledWith(last("webrtc"));
  expect(open()).toEqual(["webrtc"]);
  expect(listener.lost).not.toHaveBeenCalled();
});

test("a climb never tries the rung that it stands on, or those below", async () => {
  climb();
  last("webrtc").lost("");
  last("websocket").presented();
  await wait(CLIMB_AFTER + FALL_AFTER + GIVE_UP_AFTER);
  expect(tried()).toEqual(["webrtc", "websocket", "webrtc"]);
});

test("the loss of the live rung ends all, and so does the loss of every one", () => {
  climb();
  last("webrtc").presented();
  last("webrtc").lost("the instance no longer answers");
  expect(listener.lost).toHaveBeenCalledExactlyOnceWith("the instance no longer answers");
  listener.lost.mockClear();
  climb();
  for (const rung of RUNGS) last(rung).lost(`no ${rung}`);
  expect(listener.lost).toHaveBeenCalledExactlyOnceWith("no images");
  expect(open()).toEqual([]);
});

test("nothing is tried while nobody looks, and nothing is left at the end", async () => {
  const ladder = climb();
  await wait(FALL_AFTER);
  last("websocket").presented();
  ladder.rest();
  expect(open()).toEqual(["websocket"]);
  await wait(3 * CLIMB_AFTER);
  expect(tried()).toHaveLength(2);
  ladder.wake();
  await wait(10 * CLIMB_AFTER);
  expect(tried().filter((rung) => rung === "webrtc").length).toBeGreaterThan(1);
  life.abort();
  expect(open()).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test("a constructor that throws is a rung that fails; no rung at all is said", () => {
  const ladder = new Ladder<Held>(
    ["webrtc"],
    () => {
      throw new Error("forbidden here");
    },
    listener,
    new Backoff(),
    life.signal,
  );
  ladder.start();
  expect(listener.lost).toHaveBeenCalledExactlyOnceWith("Error: forbidden here");
  climb([]);
  expect(listener.lost).toHaveBeenLastCalledWith("this browser has no way to show the picture");
});
