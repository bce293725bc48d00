import { beforeEach, expect, test, vi } from "vitest";
import { Signaling } from "../../transport/signaling.ts";
import { FakeSocket } from "../fakes.ts";
import { signaling as wire } from "../wire.ts";

let socket: FakeSocket;
let life: AbortController;
let signaling: Signaling;
const send = (message: object) => socket.receive(JSON.stringify(message));
const listener = {
  onOffer: vi.fn(),
  onCandidate: vi.fn(),
  onConfiguration: vi.fn(),
  onRefused: vi.fn(),
  onClosed: vi.fn(),
};

beforeEach(() => {
  vi.clearAllMocks();
  socket = new FakeSocket();
  life = new AbortController();
  signaling = new Signaling(socket as never, listener, life.signal);
});

test("an offer is received, answer and candidates are sent", () => {
  send(wire.offer);
  expect(listener.onOffer).toHaveBeenCalledWith(wire.offer.sdp);
  signaling.sendAnswer(wire.answer.sdp);
  signaling.sendCandidate(wire.candidate.candidate);
  signaling.sendCandidate(null);
  expect(socket.messages).toEqual([wire.answer, wire.candidate, wire.last_candidate]);
});

test("the ICE servers are passed on", () => {
  send(wire.ice_servers);
  expect(listener.onConfiguration).toHaveBeenCalledExactlyOnceWith({
    iceServers: wire.ice_servers.ice_servers,
    iceTransportPolicy: wire.ice_servers.policy,
  });
});

test("messages from before the socket opens are sent then", () => {
  socket.readyState = WebSocket.CONNECTING;
  signaling.sendCandidate(null);
  expect(socket.sent).toEqual([]);
  socket.readyState = WebSocket.OPEN;
  socket.dispatchEvent(new Event("open"));
  expect(socket.messages).toEqual([wire.last_candidate]);
});

test("a ping is answered, a refusal and the close are passed on, malformed messages are not", () => {
  send(wire.ping);
  expect(socket.messages).toEqual([wire.pong]);
  for (const malformed of ["x", "{}", '{"type": "offer"}']) socket.receive(malformed);
  send(wire.error);
  expect(listener.onRefused).toHaveBeenCalledExactlyOnceWith(wire.error.reason);
  expect(listener.onOffer).not.toHaveBeenCalled();
  socket.end(4409);
  expect(listener.onClosed).toHaveBeenCalledWith(4409);
});

test("the end of the signal closes the socket and stops listening", () => {
  life.abort();
  expect(socket.closed).toBe(true);
  send(wire.offer);
  expect(listener.onOffer).not.toHaveBeenCalled();
});
