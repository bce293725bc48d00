/** Messages as `openspace_server/protocols/*.py` and `instance/` write them. */

import type { RemoteState } from "../protocol/messages.ts";

export const STATE: RemoteState = {
  time: "2026-08-12T17:45:00.000Z",
  rate: 1,
  paused: false,
  focus: "Earth",
  flying: false,
  width: 1280,
  height: 720,
  frame_rate: 30,
  chosen_frame_rate: null,
  bit_rate: 4_000_000,
  viewers: 1,
  following: true,
};

export const HELLO = JSON.stringify({
  type: "hello",
  role: "controller",
  viewer: "v",
  engine: { engine: "embedded", renderer: "software", gpu: false },
  targets: [
    { identifier: "Earth", name: "Earth", kind: "planet" },
    { identifier: "Moon", name: "Moon", kind: "moon" },
  ],
  encoder: "libx264",
  state: STATE,
});

export const SESSION = {
  type: "session",
  id: "6f1c",
  name: "space",
  state: "RUNNING",
  reason: "",
  engine: "embedded",
  width: 1280,
  height: 720,
  created: "2026-11-21T05:00:00Z",
};

export const OFFER = JSON.stringify({ type: "offer", sdp: "v=0\r\n" });
export const REFUSAL = JSON.stringify({ type: "error", reason: "the session has ended" });
export const reply = (id: number, result: unknown) => JSON.stringify({ type: "reply", id, result });
export const error = (id: number | null, reason: string) => JSON.stringify({ type: "error", id, reason });

/** Stands in for WebSocket and RTCDataChannel. */
export class FakeSocket extends EventTarget {
  readyState: unknown = 1;
  readonly sent: string[] = [];
  closed = false;

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.closed = true;
    this.readyState = 3;
  }

  receive(data: string): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }

  end(code: number): void {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }

  get messages(): Record<string, unknown>[] {
    return this.sent.map((text) => JSON.parse(text) as Record<string, unknown>);
  }
}

/** A binary message of the media socket. */
export function frameMessage({ kind = 1, key = true, number = 1, timestamp = 0, headerBytes = 40, data = [0] }) {
  const message = new ArrayBuffer(headerBytes + data.length);
  const view = new DataView(message);
  for (const [at, letter] of [..."OSM1"].entries()) view.setUint8(at, letter.charCodeAt(0));
  view.setUint8(4, kind);
  view.setUint8(5, key ? 1 : 0);
  view.setUint16(6, headerBytes, true);
  view.setUint16(8, 1280, true);
  view.setUint16(10, 720, true);
  view.setUint32(12, number, true);
  view.setFloat64(16, timestamp, true);
  new Uint8Array(message, headerBytes).set(data);
  return message;
}
