/** One binary message of the media socket; `openspace_server/protocols/media.py` defines it. */

export type Kind = "h264" | "jpeg" | "webp";

export interface MediaPicture {
  kind: Kind;
  /** It can be shown without those before it. */
  key: boolean;
  width: number;
  height: number;
  /** To acknowledge. */
  number: number;
  /** In microseconds; only grows. */
  timestamp: number;
  /** In milliseconds of the instance's own clock. */
  sentAt: number;
  data: Uint8Array<ArrayBuffer>;
}

const MAGIC = 0x314d534f; // "OSM1", little endian
const HEADER_BYTES = 40;
const KINDS: readonly (Kind | undefined)[] = [undefined, "h264", "jpeg", "webp"];

/** Null for what is no picture: a newer server may send something else. */
export function readPicture(message: ArrayBuffer): MediaPicture | null {
  if (message.byteLength < HEADER_BYTES) return null;
  const view = new DataView(message);
  const kind = KINDS[view.getUint8(4)];
  const start = view.getUint16(6, true);
  if (view.getUint32(0, true) !== MAGIC || kind === undefined) return null;
  if (start < HEADER_BYTES || start > message.byteLength) return null;
  return {
    kind,
    key: (view.getUint8(5) & 1) === 1,
    width: view.getUint16(8, true),
    height: view.getUint16(10, true),
    number: view.getUint32(12, true),
    timestamp: view.getFloat64(16, true),
    sentAt: view.getFloat64(32, true),
    data: new Uint8Array(message, start),
  };
}

/** The codec string of an H.264 access unit in Annex B that begins with a sequence parameter set; null without. */
export function codecOf(data: Uint8Array): string | null {
  for (let at = 0; at + 6 < data.length; at++) {
    if (data[at] !== 0 || data[at + 1] !== 0 || data[at + 2] !== 1) continue;
    const type = data[at + 3]! & 0x1f;
    if (type === 7) return `avc1.${[4, 5, 6].map((byte) => hex(data[at + byte]!)).join("")}`;
    // Parameter sets come before the picture.
    if (type === 1 || type === 5) return null;
    at += 3;
  }
  return null;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
