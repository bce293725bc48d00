import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ControlChannel, ControlError } from "../../protocol/controlChannel.ts";
import { FakeSocket } from "../fakes.ts";
import { HELLO, instance, reply, STATE, viewer } from "../wire.ts";

let channel: FakeSocket;
let life: AbortController;
let control: ControlChannel;
const listener = { onHello: vi.fn(), onState: vi.fn(), onStats: vi.fn(), onControl: vi.fn(), onLost: vi.fn() };

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  channel = new FakeSocket();
  channel.readyState = "open";
  life = new AbortController();
  control = new ControlChannel(channel as never, listener, life.signal);
});
afterEach(() => {
  life.abort();
  vi.useRealTimers();
});

test("a reply finds its request by id, in any order", async () => {
  const first = control.request("set_rate", { rate: 60 });
  const second = control.request("home");
  expect(channel.messages).toEqual([viewer.request, { ...viewer.request, id: 2, verb: "home", arguments: {} }]);
  channel.receive(reply(2, "home"));
  channel.receive(reply(1, STATE));
  expect(await second).toBe("home");
  expect(await first).toEqual(STATE);
});

test("an error rejects with its reason, for people", async () => {
  const request = control.request("set_focus", { target: "Vulcan" });
  channel.receive(JSON.stringify(instance.error));
  await expect(request).rejects.toEqual(new ControlError(instance.error.reason));
});

test("a request without a reply fails, and a late reply is ignored", async () => {
  const request = control.request("home", {}, 2000);
  const refused = expect(request).rejects.toThrow("home: no answer within 2 s");
  await vi.advanceTimersByTimeAsync(2000);
  await refused;
  channel.receive(reply(1, {}));
});

test("pending requests fail with the connection, and a closed channel takes none", async () => {
  const request = control.request("home");
  life.abort();
  await expect(request).rejects.toThrow("the connection ended");
  channel.readyState = "closed";
  await expect(control.request("home")).rejects.toThrow("home: not connected");
});

test("hello, state, stats and control are passed on; malformed messages are not", () => {
  channel.receive(HELLO);
  channel.receive(JSON.stringify(instance.state));
  channel.receive(JSON.stringify(instance.stats));
  channel.receive(JSON.stringify(instance.control));
  for (const malformed of [
    "",
    "[]",
    "null",
    "{",
    '{"type": "later"}',
    JSON.stringify(instance.error_without_request),
    reply(99, 1),
  ])
    channel.receive(malformed);
  expect(listener.onHello.mock.calls).toEqual([[instance.hello]]);
  expect(listener.onState.mock.calls).toEqual([[instance.state]]);
  expect(listener.onStats.mock.calls).toEqual([[instance.stats]]);
  expect(listener.onControl.mock.calls).toEqual([[instance.control]]);
});

test("five pings without a reply mean that the instance is lost", async () => {
  await vi.advanceTimersByTimeAsync(5000);
  expect(channel.messages.every((message) => message.verb === "ping")).toBe(true);
  expect(listener.onLost).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1000);
  expect(listener.onLost).toHaveBeenCalledWith("the instance no longer answers");
});

test("any message counts as a sign of life", async () => {
  for (let second = 0; second < 10; second += 1) {
    await vi.advanceTimersByTimeAsync(1000);
    channel.receive(JSON.stringify(instance.state));
  }
  expect(listener.onLost).not.toHaveBeenCalled();
});

test("a receiver report is sent as the instance reads it", () => {
  const { type: _, ...report } = viewer.report;
  control.sendReport(report);
  expect(channel.messages).toEqual([viewer.report]);
});
