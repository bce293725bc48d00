import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { followSession } from "../../session/events.ts";
import { FakeSocket, SESSION } from "../fixtures.ts";

let sockets: FakeSocket[];
let life: AbortController;
let response: () => Promise<Response>;
const listener = { session: vi.fn(), warning: vi.fn(), gone: vi.fn(), unreachable: vi.fn() };
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

test("a broken socket is opened again, with growing patience", async () => {
  void followSession(server, "x", listener, life.signal);
  sockets[0]!.end(1006);
  await vi.advanceTimersByTimeAsync(300);
  sockets[1]!.end(1006);
  await vi.advanceTimersByTimeAsync(599);
  expect(sockets).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  sockets[2]!.receive(JSON.stringify(SESSION));
  expect(listener.session).toHaveBeenCalledOnce();
  sockets[2]!.end(1006);
  await vi.advanceTimersByTimeAsync(300);
  expect(sockets).toHaveLength(4);
});

test("a terminal state is the last thing heard", async () => {
  const followed = followSession(server, "x", listener, life.signal);
  sockets[0]!.receive(JSON.stringify({ ...SESSION, state: "LOST", reason: "host gone" }));
  sockets[0]!.end(1000);
  await followed;
  expect(sockets).toHaveLength(1);
  expect(listener.gone).not.toHaveBeenCalled();
});

test("4404 ends with the reason that came before it", async () => {
  const followed = followSession(server, "x", listener, life.signal);
  sockets[0]!.receive(JSON.stringify({ type: "error", reason: "closed yesterday" }));
  sockets[0]!.end(4404);
  await followed;
  expect(listener.gone).toHaveBeenCalledExactlyOnceWith("closed yesterday");
});

test("a refused socket is explained by HTTP", async () => {
  response = async () =>
    new Response(JSON.stringify({ message: "no session of yours has this id", reason: "" }), { status: 404 });
  const followed = followSession(server, "x", listener, life.signal);
  sockets[0]!.end(1006);
  await followed;
  expect(listener.gone).toHaveBeenCalledWith("no session of yours has this id");
});

test("a server that does not answer is asked again", async () => {
  response = async () => {
    throw new TypeError("Failed to fetch");
  };
  void followSession(server, "x", listener, life.signal);
  sockets[0]!.end(1006);
  await vi.advanceTimersByTimeAsync(300);
  expect(listener.unreachable).toHaveBeenCalledWith("the Jupyter server does not answer");
  expect(sockets).toHaveLength(2);
});

test("nothing is left after the signal ends", async () => {
  const followed = followSession(server, "x", listener, life.signal);
  life.abort();
  await followed;
  expect(sockets[0]!.closed).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test("a warning is passed on with the time left, and so is that it is over", () => {
  void followSession(server, "x", listener, life.signal);
  const warning = {
    type: "warning",
    reason: "nobody watches",
    at: "2026-11-21T09:00:00Z",
    hint: "open it",
    seconds: 40,
  };
  sockets[0]!.receive(JSON.stringify(warning));
  expect(listener.warning).toHaveBeenLastCalledWith({
    reason: "nobody watches",
    at: "2026-11-21T09:00:00Z",
    hint: "open it",
    seconds: 40,
  });
  vi.setSystemTime("2026-11-21T08:59:00Z");
  sockets[0]!.receive(JSON.stringify({ type: "warning", reason: "nobody watches", at: "2026-11-21T09:00:00Z" }));
  expect(listener.warning.mock.lastCall?.[0].seconds).toBe(60);
  sockets[0]!.receive(JSON.stringify({ type: "warning", reason: "", at: "" }));
  expect(listener.warning).toHaveBeenLastCalledWith({ reason: "", at: "", hint: "", seconds: 0 });
});
