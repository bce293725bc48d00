/** Binary messages of the media socket, one frame each; `openspace_server/protocols/media.py` defines them. */

export type FrameKind = "h264" | "jpeg" | "webp";

export interface MediaFrame {
  kind: FrameKind;
  /** It can be shown without the frames before it. */
  isKey: boolean;
  width: number;
  height: number;
  /** For the acknowledgement. */
  number: number;
  /** In microseconds; only grows. */
  timestamp: number;
  /** In milliseconds of the instance's own clock. */
  sentAt: number;
  data: Uint8Array<ArrayBuffer>;
}

const MAGIC = 0x314d534f; // "OSM1", little endian
const HEADER_BYTES = 40;
const KINDS: readonly (FrameKind | undefined)[] = [undefined, "h264", "jpeg", "webp"];

/** Null for what is not a frame: a newer server may send other messages. */
export function parseMediaFrame(message: ArrayBuffer): MediaFrame | null {
  if (message.byteLength < HEADER_BYTES) return null;
  const view = new DataView(message);
  const kind = KINDS[view.getUint8(4)];
  const start = view.getUint16(6, true);
  if (view.getUint32(0, true) !== MAGIC || kind === undefined) return null;
  if (start < HEADER_BYTES || start > message.byteLength) return null;
  return {
    kind,
    isKey: (view.getUint8(5) & 1) === 1,
    width: view.getUint16(8, true),
    height: view.getUint16(10, true),
    number: view.getUint32(12, true),
    timestamp: view.getFloat64(16, true),
    sentAt: view.getFloat64(32, true),
    data: new Uint8Array(message, start),
  };
}

/** The codec string of an H.264 access unit in Annex B that begins with a sequence parameter set; null without one. */
export function codecString(data: Uint8Array): string | null {
  for (let at = 0; at + 6 < data.length; at++) {
    if (data[at] !== 0 || data[at + 1] !== 0 || data[at + 2] !== 1) continue;
    const type = data[at + 3]! & 0x1f;
    if (type === 7) return `avc1.${[4, 5, 6].map((byte) => hex(data[at + byte]!)).join("")}`;
    // Parameter sets come before the slices.
    if (type === 1 || type === 5) return null;
    at += 3;
  }
  return null;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
