import { beforeEach, expect, test, vi } from "vitest";
import { Signaling } from "../../transport/signaling.ts";
import { FakeSocket, OFFER, REFUSAL } from "../fixtures.ts";

let socket: FakeSocket;
let life: AbortController;
let signaling: Signaling;
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
  socket.receive(OFFER);
  expect(listener.onOffer).toHaveBeenCalledWith("v=0\r\n");
  signaling.sendAnswer("v=0 answer");
  signaling.sendCandidate({ candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host", sdpMid: "0", sdpMLineIndex: 0 });
  signaling.sendCandidate(null);
  expect(socket.messages).toEqual([
    { type: "answer", sdp: "v=0 answer" },
    {
      type: "ice-candidate",
      candidate: { candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host", sdpMid: "0", sdpMLineIndex: 0 },
    },
    { type: "ice-candidate", candidate: null },
  ]);
});

test("the ICE servers are passed on", () => {
  const iceServers = [{ urls: ["turn:192.0.2.1"], username: "1:a", credential: "b" }];
  socket.receive(JSON.stringify({ type: "ice-servers", ice_servers: iceServers, policy: "relay" }));
  expect(listener.onConfiguration).toHaveBeenCalledExactlyOnceWith({ iceServers, iceTransportPolicy: "relay" });
});

test("messages from before the socket opens are sent then", () => {
  socket.readyState = WebSocket.CONNECTING;
  signaling.sendCandidate(null);
  expect(socket.sent).toEqual([]);
  socket.readyState = WebSocket.OPEN;
  socket.dispatchEvent(new Event("open"));
  expect(socket.messages).toEqual([{ type: "ice-candidate", candidate: null }]);
});

test("a ping is answered, a refusal and the close are passed on, malformed messages are not", () => {
  socket.receive('{"type": "ping"}');
  expect(socket.messages).toEqual([{ type: "pong" }]);
  for (const malformed of ["x", "{}", '{"type": "offer"}']) socket.receive(malformed);
  socket.receive(REFUSAL);
  expect(listener.onRefused).toHaveBeenCalledExactlyOnceWith("the session has ended");
  expect(listener.onOffer).not.toHaveBeenCalled();
  socket.end(4409);
  expect(listener.onClosed).toHaveBeenCalledWith(4409);
});

test("the end of the signal closes the socket and stops listening", () => {
  life.abort();
  expect(socket.closed).toBe(true);
  socket.receive(OFFER);
  expect(listener.onOffer).not.toHaveBeenCalled();
});
