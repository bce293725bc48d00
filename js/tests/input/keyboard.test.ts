import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { listenToKeys, motionOf } from "../../input/keyboard.ts";
import { InputSender } from "../../input/sender.ts";
import { FakeSocket } from "../fakes.ts";

let element: HTMLElement;
let life: AbortController;
let channel: FakeSocket;
const commands = { togglePause: vi.fn(), home: vi.fn() };

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  element = document.createElement("div");
  element.tabIndex = 0;
  document.body.append(element);
  element.focus();
  life = new AbortController();
  channel = new FakeSocket();
  channel.readyState = "open";
  const sender = new InputSender(life.signal);
  sender.attach(channel as never);
  listenToKeys(element, sender, commands, () => true, life.signal);
});
afterEach(() => {
  life.abort();
  element.remove();
  vi.useRealTimers();
});

function key(type: string, name: string, init: KeyboardEventInit = {}): KeyboardEvent {
  const event = new KeyboardEvent(type, { key: name, code: name, cancelable: true, bubbles: true, ...init });
  element.dispatchEvent(event);
  return event;
}
const last = () => channel.messages.at(-1) as { held: boolean; axes: Record<string, number> };

test("movement keys", () => {
  expect(motionOf("ArrowLeft", false)).toHaveProperty("orbitX");
  expect(motionOf("ArrowLeft", true)).toHaveProperty("roll");
  expect(motionOf("ArrowUp", true)).toHaveProperty("orbitY");
  expect(motionOf("=", false)?.zoom).toBeGreaterThan(0);
  expect(motionOf("_", true)?.zoom).toBeLessThan(0);
  expect(motionOf("a", false)).toBeNull();
});

test("a key that is down moves evenly, its release stops it", () => {
  key("keydown", "ArrowRight");
  vi.advanceTimersByTime(1000);
  const { held, axes } = last();
  expect(held).toBe(true);
  expect(axes.orbitX).toBeGreaterThan(0.4);
  expect(axes.orbitX).toBeLessThan(0.6);
  key("keyup", "ArrowRight");
  vi.advanceTimersByTime(200);
  expect(last().held).toBe(false);
  const sent = channel.sent.length;
  vi.advanceTimersByTime(500);
  expect(channel.sent).toHaveLength(sent);
});

test("losing the focus releases every key", () => {
  key("keydown", "ArrowRight");
  key("keydown", "+");
  element.dispatchEvent(new FocusEvent("blur"));
  expect(last().held).toBe(false);
});

test("space, Home and Escape; repeats do not toggle", () => {
  expect(key("keydown", " ").defaultPrevented).toBe(true);
  key("keydown", " ", { repeat: true });
  key("keydown", "Home");
  expect(commands.togglePause).toHaveBeenCalledOnce();
  expect(commands.home).toHaveBeenCalledOnce();
  expect(document.activeElement).toBe(element);
  key("keydown", "Escape");
  expect(document.activeElement).not.toBe(element);
});

test("other keys and the browser's own combinations are not handled", () => {
  expect(key("keydown", "x").defaultPrevented).toBe(false);
  expect(key("keydown", "+", { ctrlKey: true }).defaultPrevented).toBe(false);
  expect(channel.sent).toEqual([]);
});
