import { beforeEach, expect, test, vi } from "vitest";
import { Signaling } from "../../transport/signaling.ts";
import { FakeSocket, OFFER, REFUSAL } from "../fixtures.ts";

let socket: FakeSocket;
let life: AbortController;
let signaling: Signaling;
const listener = { offer: vi.fn(), candidate: vi.fn(), ice: vi.fn(), refused: vi.fn(), closed: vi.fn() };

beforeEach(() => {
  vi.clearAllMocks();
  socket = new FakeSocket();
  life = new AbortController();
  signaling = new Signaling(socket as never, listener, life.signal);
});

test("an offer is heard, answer and candidates are sent", () => {
  socket.receive(OFFER);
  expect(listener.offer).toHaveBeenCalledWith("v=0\r\n");
  signaling.answer("v=0 answer");
  signaling.candidate({ candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host", sdpMid: "0", sdpMLineIndex: 0 });
  signaling.candidate(null);
  expect(socket.messages).toEqual([
    { type: "answer", sdp: "v=0 answer" },
    {
      type: "ice-candidate",
      candidate: { candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host", sdpMid: "0", sdpMLineIndex: 0 },
    },
    { type: "ice-candidate", candidate: null },
  ]);
});

test("the servers for WebRTC are heard of", () => {
  const iceServers = [{ urls: ["turn:192.0.2.1"], username: "1:a", credential: "b" }];
  socket.receive(JSON.stringify({ type: "ice-servers", ice_servers: iceServers, policy: "relay" }));
  expect(listener.ice).toHaveBeenCalledExactlyOnceWith({ iceServers, iceTransportPolicy: "relay" });
});

test("what is said before the socket opens is sent then", () => {
  socket.readyState = WebSocket.CONNECTING;
  signaling.candidate(null);
  expect(socket.sent).toEqual([]);
  socket.readyState = WebSocket.OPEN;
  socket.dispatchEvent(new Event("open"));
  expect(socket.messages).toEqual([{ type: "ice-candidate", candidate: null }]);
});

test("ping is answered, a refusal and the close are told, nonsense is not", () => {
  socket.receive('{"type": "ping"}');
  expect(socket.messages).toEqual([{ type: "pong" }]);
  for (const nonsense of ["x", "{}", '{"type": "offer"}']) socket.receive(nonsense);
  socket.receive(REFUSAL);
  expect(listener.refused).toHaveBeenCalledExactlyOnceWith("the session has ended");
  expect(listener.offer).not.toHaveBeenCalled();
  socket.end(4409);
  expect(listener.closed).toHaveBeenCalledWith(4409);
});

test("the end of the signal closes the socket and stops listening", () => {
  life.abort();
  expect(socket.closed).toBe(true);
  socket.receive(OFFER);
  expect(listener.offer).not.toHaveBeenCalled();
});
