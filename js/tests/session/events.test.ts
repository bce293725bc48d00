import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { followSession } from "../../session/events.ts";
import { FakeSocket } from "../fakes.ts";
import { SESSION, sessions } from "../wire.ts";

let sockets: FakeSocket[];
let life: AbortController;
let response: () => Promise<Response>;
const listener = { onSession: vi.fn(), onWarning: vi.fn(), onGone: vi.fn(), onUnreachable: vi.fn() };
const server = {
  baseUrl: "http://localhost/",
  fetch: () => response(),
  socket: () => {
    const socket = new FakeSocket();
    sockets.push(socket);
    return socket as unknown as WebSocket;
  },
};

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  sockets = [];
  life = new AbortController();
  response = async () => new Response(JSON.stringify(SESSION));
});
afterEach(() => {
  life.abort();
  vi.useRealTimers();
});

test("a broken socket is opened again, after ever longer waits", async () => {
  void followSession(server, "x", listener, life.signal);
  sockets[0]!.end(1006);
  await vi.advanceTimersByTimeAsync(300);
  sockets[1]!.end(1006);
  await vi.advanceTimersByTimeAsync(599);
  expect(sockets).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  sockets[2]!.receive(JSON.stringify(SESSION));
  expect(listener.onSession).toHaveBeenCalledOnce();
  sockets[2]!.end(1006);
  await vi.advanceTimersByTimeAsync(300);
  expect(sockets).toHaveLength(4);
});

test("after a final state nothing follows", async () => {
  const followed = followSession(server, "x", listener, life.signal);
  sockets[0]!.receive(JSON.stringify({ ...SESSION, state: "LOST", reason: "host gone" }));
  sockets[0]!.end(1000);
  await followed;
  expect(sockets).toHaveLength(1);
  expect(listener.onGone).not.toHaveBeenCalled();
});

test("4404 ends with the reason that came before it", async () => {
  const followed = followSession(server, "x", listener, life.signal);
  sockets[0]!.receive(JSON.stringify(sessions.error_event));
  sockets[0]!.end(4404);
  await followed;
  expect(listener.onGone).toHaveBeenCalledExactlyOnceWith(sessions.error_event.reason);
});

test("a refused socket is explained by HTTP", async () => {
  response = async () =>
    new Response(JSON.stringify({ message: "no session of yours has this id", reason: "" }), { status: 404 });
  const followed = followSession(server, "x", listener, life.signal);
  sockets[0]!.end(1006);
  await followed;
  expect(listener.onGone).toHaveBeenCalledWith("no session of yours has this id");
});

test("a server that does not answer gets further attempts", async () => {
  response = async () => {
    throw new TypeError("Failed to fetch");
  };
  void followSession(server, "x", listener, life.signal);
  sockets[0]!.end(1006);
  await vi.advanceTimersByTimeAsync(300);
  expect(listener.onUnreachable).toHaveBeenCalledWith("the Jupyter server does not answer");
  expect(sockets).toHaveLength(2);
});

test("nothing is left after the signal has ended", async () => {
  const followed = followSession(server, "x", listener, life.signal);
  life.abort();
  await followed;
  expect(sockets[0]!.closed).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test("a warning is passed on with the time left, and so is its cancellation", () => {
  void followSession(server, "x", listener, life.signal);
  const { type: _, seconds, ...warning } = sessions.warning;
  sockets[0]!.receive(JSON.stringify(sessions.warning));
  expect(listener.onWarning).toHaveBeenLastCalledWith({ ...warning, seconds });
  vi.setSystemTime("2026-11-21T08:59:00Z");
  sockets[0]!.receive(JSON.stringify({ type: "warning", ...warning }));
  expect(listener.onWarning).toHaveBeenLastCalledWith({ ...warning, seconds: 60 });
  sockets[0]!.receive(JSON.stringify(sessions.no_warning));
  expect(listener.onWarning).toHaveBeenLastCalledWith({ reason: "", at: "", hint: "", seconds: 0 });
});
