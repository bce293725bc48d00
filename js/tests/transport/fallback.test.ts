import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  UPGRADE_AFTER,
  FALLBACK_AFTER,
  type AttemptListener,
  GIVE_UP_AFTER,
  TransportFallback,
} from "../../transport/fallback.ts";
import { Backoff } from "../../util/abort.ts";
import { TRANSPORTS, type TransportName } from "../../transport/transports.ts";

interface FakeTransport extends AttemptListener {
  name: TransportName;
  signal: AbortSignal;
}

let opened: FakeTransport[];
let life: AbortController;
const listener = { onLive: vi.fn(), onLost: vi.fn() };

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  opened = [];
  life = new AbortController();
});
afterEach(() => {
  life.abort();
  vi.useRealTimers();
});

function start(names: readonly TransportName[] = TRANSPORTS) {
  const open = (name: TransportName, listener: AttemptListener, signal: AbortSignal): FakeTransport => {
    const one = { name, signal, ...listener };
    opened.push(one);
    return one;
  };
  const fallback = new TransportFallback<FakeTransport>(
    names,
    open,
    listener,
    new Backoff(UPGRADE_AFTER, 10 * UPGRADE_AFTER),
    life.signal,
  );
  fallback.start();
  return fallback;
}
const tried = () => opened.map(({ name }) => name);
const underWay = () => opened.filter(({ signal }) => !signal.aborted).map(({ name }) => name);
const wait = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const last = (name: TransportName) => opened.findLast((one) => one.name === name)!;

test("no other transport is tried if the best one shows a frame at once", async () => {
  start();
  last("webrtc").onPresented();
  await wait(10 * UPGRADE_AFTER);
  expect(tried()).toEqual(["webrtc"]);
  expect(listener.onLive).toHaveBeenCalledExactlyOnceWith(opened[0]);
});

test("without a frame the next transport is tried in parallel, and the first frame decides", async () => {
  start();
  await wait(FALLBACK_AFTER);
  expect(underWay()).toEqual(["webrtc", "websocket"]);
  last("websocket").onPresented();
  expect(listener.onLive).toHaveBeenCalledExactlyOnceWith(last("websocket"));
  await wait(FALLBACK_AFTER);
  expect(underWay()).toEqual(["webrtc", "websocket"]);
  await wait(GIVE_UP_AFTER);
  expect(underWay()).toEqual(["websocket"]);
  expect(listener.onLost).not.toHaveBeenCalled();
});

test("a late frame of a better transport takes over", async () => {
  start();
  await wait(FALLBACK_AFTER);
  last("websocket").onPresented();
  last("webrtc").onPresented();
  expect(listener.onLive).toHaveBeenLastCalledWith(last("webrtc"));
  expect(underWay()).toEqual(["webrtc"]);
  last("websocket").onLost("too late to matter");
  expect(listener.onLost).not.toHaveBeenCalled();
});

test("a transport that fails is followed by the next at once", () => {
  start();
  last("webrtc").onLost("no path");
  last("websocket").onLost("no decoder");
  last("images").onPresented();
  expect(listener.onLive).toHaveBeenCalledExactlyOnceWith(last("images"));
});

test("from a lower transport upgrades are tried, ever more rarely, while frames continue", async () => {
  start();
  last("webrtc").onLost("no path");
  last("websocket").onPresented();
  await wait(UPGRADE_AFTER);
  expect(underWay()).toEqual(["websocket", "webrtc"]);
  last("webrtc").onLost("still no path");
  expect(underWay()).toEqual(["websocket"]);
  await wait(UPGRADE_AFTER);
  expect(tried()).toHaveLength(3);
  await wait(UPGRADE_AFTER);
  expect(underWay()).toEqual(["websocket", "webrtc"]);
  last("webrtc").onPresented();
  expect(listener.onLive).toHaveBeenLastCalledWith(last("webrtc"));
  expect(underWay()).toEqual(["webrtc"]);
  expect(listener.onLost).not.toHaveBeenCalled();
});

test("an upgrade tries neither the transport in use nor those below it", async () => {
  start();
  last("webrtc").onLost("");
  last("websocket").onPresented();
  await wait(UPGRADE_AFTER + FALLBACK_AFTER + GIVE_UP_AFTER);
  expect(tried()).toEqual(["webrtc", "websocket", "webrtc"]);
});

test("the loss of the live transport ends all, and so does the loss of every one", () => {
  start();
  last("webrtc").onPresented();
  last("webrtc").onLost("the instance no longer answers");
  expect(listener.onLost).toHaveBeenCalledExactlyOnceWith("the instance no longer answers");
  listener.onLost.mockClear();
  start();
  for (const name of TRANSPORTS) last(name).onLost(`no ${name}`);
  expect(listener.onLost).toHaveBeenCalledExactlyOnceWith("no images");
  expect(underWay()).toEqual([]);
});

test("nothing is tried while paused, and nothing is left at the end", async () => {
  const fallback = start();
  await wait(FALLBACK_AFTER);
  last("websocket").onPresented();
  fallback.pause();
  expect(underWay()).toEqual(["websocket"]);
  await wait(3 * UPGRADE_AFTER);
  expect(tried()).toHaveLength(2);
  fallback.resume();
  await wait(10 * UPGRADE_AFTER);
  expect(tried().filter((name) => name === "webrtc").length).toBeGreaterThan(1);
  life.abort();
  expect(underWay()).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test("a constructor that throws is a transport that fails; no transport at all is an error", () => {
  const fallback = new TransportFallback<FakeTransport>(
    ["webrtc"],
    () => {
      throw new Error("forbidden here");
    },
    listener,
    new Backoff(),
    life.signal,
  );
  fallback.start();
  expect(listener.onLost).toHaveBeenCalledExactlyOnceWith("Error: forbidden here");
  start([]);
  expect(listener.onLost).toHaveBeenLastCalledWith("this browser supports none of the video transports");
});
