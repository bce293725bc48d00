import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { InputSender } from "../../input/sender.ts";
import { FakeSocket } from "../fakes.ts";
import { viewer } from "../wire.ts";

let channel: FakeSocket;
let life: AbortController;
let sender: InputSender;

beforeEach(() => {
  vi.useFakeTimers();
  channel = new FakeSocket();
  channel.readyState = "open";
  life = new AbortController();
  sender = new InputSender(life.signal);
  sender.attach(channel as never);
});
afterEach(() => {
  life.abort();
  vi.useRealTimers();
});

test("the first motion is sent at once, as a total", () => {
  sender.move({ orbitX: 0.25 });
  expect(channel.messages).toEqual([viewer.input]);
});

test("a burst becomes one message per 8 ms, and loses nothing", () => {
  for (let step = 0; step < 10; step += 1) sender.move({ orbitX: 0.1, zoom: -0.01 });
  expect(channel.sent).toHaveLength(1);
  vi.advanceTimersByTime(7);
  expect(channel.sent).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(channel.messages[1]).toEqual({ ...viewer.input, seq: 1, axes: { orbitX: 1, zoom: -0.1 } });
  vi.advanceTimersByTime(100);
  expect(channel.sent).toHaveLength(2);
});

test("a release is sent three times, with the same totals and new numbers", () => {
  sender.hold("pointer 1");
  sender.move({ roll: 1 });
  vi.advanceTimersByTime(50);
  const before = channel.sent.length;
  sender.release("pointer 1");
  vi.advanceTimersByTime(200);
  const release = channel.messages.slice(before);
  expect(release.map((message) => message.held)).toEqual([false, false, false]);
  expect(release.map((message) => message.axes)).toEqual([{ roll: 1 }, { roll: 1 }, { roll: 1 }]);
  expect(new Set(channel.messages.map((message) => message.seq)).size).toBe(channel.sent.length);
});

test("held as long as any pointer is down; a new press cancels the repeats", () => {
  sender.hold("pointer 1");
  sender.hold("pointer 2");
  sender.release("pointer 1");
  expect(sender.isHeld).toBe(true);
  sender.release("pointer 2");
  sender.hold("pointer 3");
  vi.advanceTimersByTime(200);
  expect(channel.messages.at(-1)?.held).toBe(true);
});

test("a new channel starts from zero", () => {
  sender.move({ zoom: 1 });
  const next = new FakeSocket();
  next.readyState = "open";
  sender.attach(next as never);
  sender.move({ zoom: 0.5 });
  expect(next.messages).toEqual([{ ...viewer.input, axes: { zoom: 0.5 } }]);
});

test("motion that is not a number is ignored, and a closed channel is no error", () => {
  sender.move({ zoom: Number.NaN, roll: 1 });
  expect(channel.messages[0]?.axes).toEqual({ roll: 1 });
  channel.readyState = "closed";
  sender.move({ roll: 1 });
  sender.attach(null);
  sender.release("unknown");
  vi.advanceTimersByTime(100);
  expect(channel.sent).toHaveLength(1);
});

test("no timer is left after the end", () => {
  sender.hold("pointer 1");
  sender.release("pointer 1");
  life.abort();
  expect(vi.getTimerCount()).toBe(0);
});
