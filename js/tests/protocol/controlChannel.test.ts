import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ControlChannel, ControlError } from "../../protocol/controlChannel.ts";
import { error, FakeSocket, HELLO, reply, STATE } from "../fixtures.ts";

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
  expect(channel.messages).toEqual([
    { type: "request", id: 1, verb: "set_rate", arguments: { rate: 60 } },
    { type: "request", id: 2, verb: "home", arguments: {} },
  ]);
  channel.receive(reply(2, "home"));
  channel.receive(reply(1, STATE));
  expect(await second).toBe("home");
  expect(await first).toEqual(STATE);
});

test("an error rejects with its reason, for people", async () => {
  const request = control.request("set_focus", { target: "Vulcan" });
  channel.receive(error(1, "unknown target 'Vulcan'"));
  await expect(request).rejects.toEqual(new ControlError("unknown target 'Vulcan'"));
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

test("hello, state and stats are passed on; malformed messages are not", () => {
  channel.receive(HELLO);
  channel.receive(JSON.stringify({ type: "state", ...STATE, rate: 60 }));
  channel.receive(JSON.stringify({ type: "stats", draw_ms: 8 }));
  for (const malformed of ["", "[]", "null", "{", '{"type": "later"}', error(null, "x"), reply(99, 1)])
    channel.receive(malformed);
  expect(listener.onHello.mock.calls[0]?.[0]).toMatchObject({
    role: "controller",
    targets: [{ identifier: "Earth" }, {}],
  });
  expect(listener.onState.mock.calls[0]?.[0]).toMatchObject({ rate: 60 });
  expect(listener.onStats.mock.calls[0]?.[0]).toMatchObject({ draw_ms: 8 });
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
    channel.receive(JSON.stringify({ type: "state", ...STATE }));
  }
  expect(listener.onLost).not.toHaveBeenCalled();
});
