import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Control, ControlError } from "../../protocol/controlChannel.ts";
import { error, FakeSocket, HELLO, reply, STATE } from "../fixtures.ts";

let channel: FakeSocket;
let life: AbortController;
let control: Control;
const listener = { hello: vi.fn(), state: vi.fn(), stats: vi.fn(), control: vi.fn(), lost: vi.fn() };

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  channel = new FakeSocket();
  channel.readyState = "open";
  life = new AbortController();
  control = new Control(channel as never, listener, life.signal);
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
  const asked = control.request("set_focus", { target: "Vulcan" });
  channel.receive(error(1, "unknown target 'Vulcan'"));
  await expect(asked).rejects.toEqual(new ControlError("unknown target 'Vulcan'"));
});

test("no answer is an error too, and a late one is let go", async () => {
  const asked = control.request("home", {}, 2000);
  const refused = expect(asked).rejects.toThrow("home: no answer within 2 s");
  await vi.advanceTimersByTimeAsync(2000);
  await refused;
  channel.receive(reply(1, {}));
});

test("what is waiting ends with the connection, and nothing can be asked of a closed one", async () => {
  const asked = control.request("home");
  life.abort();
  await expect(asked).rejects.toThrow("ended");
  channel.readyState = "closed";
  await expect(control.request("home")).rejects.toThrow("not connected");
});

test("hello, state and stats are passed on; nonsense is not", () => {
  channel.receive(HELLO);
  channel.receive(JSON.stringify({ type: "state", ...STATE, rate: 60 }));
  channel.receive(JSON.stringify({ type: "stats", draw_ms: 8 }));
  for (const nonsense of ["", "[]", "null", "{", '{"type": "later"}', error(null, "x"), reply(99, 1)])
    channel.receive(nonsense);
  expect(listener.hello.mock.calls[0]?.[0]).toMatchObject({
    role: "controller",
    targets: [{ identifier: "Earth" }, {}],
  });
  expect(listener.state.mock.calls[0]?.[0]).toMatchObject({ rate: 60 });
  expect(listener.stats.mock.calls[0]?.[0]).toMatchObject({ draw_ms: 8 });
});

test("five pings without any answer mean the instance is lost", async () => {
  await vi.advanceTimersByTimeAsync(5000);
  expect(channel.messages.every((message) => message.verb === "ping")).toBe(true);
  expect(listener.lost).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1000);
  expect(listener.lost).toHaveBeenCalledWith("the instance no longer answers");
});

test("anything heard counts as a sign of life", async () => {
  for (let second = 0; second < 10; second += 1) {
    await vi.advanceTimersByTimeAsync(1000);
    channel.receive(JSON.stringify({ type: "state", ...STATE }));
  }
  expect(listener.lost).not.toHaveBeenCalled();
});
