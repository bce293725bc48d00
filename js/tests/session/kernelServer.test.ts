import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type CommModel, CommServer } from "../../session/kernelServer.ts";
import { tunnel } from "../wire.ts";

type Listener = Parameters<CommModel["on"]>[1];

let life: AbortController;
let listeners: Set<Listener>;
let sent: { socket: string }[];
let server: CommServer;

beforeEach(() => {
  life = new AbortController();
  listeners = new Set();
  sent = [];
  const model: CommModel = {
    send: (content) => sent.push(content as { socket: string }),
    on: (_, listener) => listeners.add(listener),
    off: (_, listener) => listeners.delete(listener),
  };
  server = new CommServer(model, life.signal);
});
afterEach(() => life.abort());

/** A message from the kernel to the socket opened last. */
function receive(message: object, buffers: DataView[] = []): void {
  for (const listener of listeners) listener({ ...message, socket: sent.at(-1)!.socket }, buffers);
}

test("a socket is opened, used and closed by messages that the kernel knows", () => {
  const { open, send, close } = tunnel.from_page;
  const socket = server.socket("sessions/one/media");
  const { socket: name } = sent[0]!;
  socket.send("too early");
  receive(tunnel.from_kernel.opened);
  socket.send("{}");
  socket.close();
  socket.close();
  expect(sent).toEqual([open, send, close].map((message) => ({ ...message, socket: name })));
});

test("text and binary messages arrive, and the end has its code and reason", () => {
  const socket = server.socket("sessions/one/media");
  const onMessage = vi.fn();
  const onClose = vi.fn();
  socket.addEventListener("message", ({ data }) => onMessage(data));
  socket.addEventListener("close", ({ code, reason }) => onClose(code, reason));
  receive(tunnel.from_kernel.opened);
  expect(socket.readyState).toBe(WebSocket.OPEN);
  receive(tunnel.from_kernel.message);
  const buffer = Uint8Array.from([0, 1, 2, 3]).buffer;
  receive({ ...tunnel.from_kernel.message, text: undefined }, [new DataView(buffer, 1, 2)]);
  expect(onMessage.mock.calls).toEqual([[tunnel.from_kernel.message.text], [Uint8Array.from([1, 2]).buffer]]);
  receive(tunnel.from_kernel.closed);
  receive(tunnel.from_kernel.message);
  const { code, reason } = tunnel.from_kernel.closed;
  expect(onClose.mock.calls).toEqual([[code, reason]]);
  expect(onMessage).toHaveBeenCalledTimes(2);
});

test("messages for other sockets and other extensions are ignored", () => {
  const socket = server.socket("sessions/one/events");
  for (const listener of listeners) {
    listener({ ...tunnel.from_kernel.opened, socket: "another" });
    listener({ ...tunnel.from_kernel.opened, socket: sent[0]!.socket, road: "another" });
    listener("no object");
  }
  expect(socket.readyState).toBe(WebSocket.CONNECTING);
});

test("requests cannot pass, and the end closes every socket", async () => {
  await expect(server.fetch()).rejects.toThrow("the Jupyter server cannot be reached from this page");
  const socket = server.socket("sessions/one/events");
  life.abort();
  expect(socket.readyState).toBe(WebSocket.CLOSED);
  expect(listeners.size).toBe(0);
});
