/** Wire messages shared with the Python tests, which generate them: see `tests/wire.py`. */

import cookies from "../../tests/fixtures/wire/cookies.json";
import instance from "../../tests/fixtures/wire/instance.json";
import media from "../../tests/fixtures/wire/media.json";
import sessions from "../../tests/fixtures/wire/sessions.json";
import signaling from "../../tests/fixtures/wire/signaling.json";
import tunnel from "../../tests/fixtures/wire/tunnel.json";
import viewer from "../../tests/fixtures/wire/viewer.json";
import type { RemoteState } from "../protocol/messages.ts";

export { cookies, instance, media, sessions, signaling, tunnel, viewer };

export const STATE = instance.state as RemoteState;
export const HELLO = JSON.stringify(instance.hello);
export const SESSION = sessions.event;
export const reply = (id: number, result: unknown) => JSON.stringify({ ...instance.reply, id, result });
export const error = (id: number | null, reason: string) => JSON.stringify({ ...instance.error, id, reason });

/** The bytes that `hex` stands for. */
export function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

/** A binary message of the media socket. */
export function frameMessage(name: keyof typeof media.frames): ArrayBuffer {
  return bytesOf(media.frames[name].message).buffer;
}
