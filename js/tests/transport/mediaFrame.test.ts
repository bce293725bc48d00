import { expect, test } from "vitest";
import { codecString, parseMediaFrame } from "../../transport/mediaFrame.ts";
import { frameMessage } from "../fixtures.ts";

test("a header is read as the instance writes it", () => {
  // PictureHeader(FrameKind.H264, True, 1280, 720, 7, 1234567.0, 42, 9, 250.5).encode() + b"abc", in Python.
  const message = Uint8Array.from(atob("T1NNMQEBKAAABdACBwAAAAAAAACH1jJBKgAAAAkAAAAAAAAAAFBvQGFiYw=="), (letter) =>
    letter.charCodeAt(0),
  ).buffer;
  expect(parseMediaFrame(message)).toEqual({
    kind: "h264",
    isKey: true,
    width: 1280,
    height: 720,
    number: 7,
    timestamp: 1234567,
    sentAt: 250.5,
    data: new Uint8Array([97, 98, 99]),
  });
});

test("the header may grow, and images are told apart", () => {
  const frame = parseMediaFrame(frameMessage({ kind: 3, key: false, headerBytes: 48, data: [1, 2] }));
  expect(frame).toMatchObject({ kind: "webp", isKey: false, data: new Uint8Array([1, 2]) });
  expect(parseMediaFrame(frameMessage({ kind: 2 }))?.kind).toBe("jpeg");
});

test("anything else is not a frame", () => {
  expect(parseMediaFrame(new ArrayBuffer(39))).toBeNull();
  expect(parseMediaFrame(new ArrayBuffer(64))).toBeNull();
  expect(parseMediaFrame(frameMessage({ kind: 9 }))).toBeNull();
  const message = frameMessage({});
  new DataView(message).setUint16(6, 5000, true);
  expect(parseMediaFrame(message)).toBeNull();
});

test("the codec is read from the sequence parameter set", () => {
  const delimiter = [0, 0, 0, 1, 9, 0xf0];
  expect(codecString(new Uint8Array([...delimiter, 0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 1, 2]))).toBe("avc1.42c01f");
  expect(codecString(new Uint8Array([0, 0, 1, 0x65, 1, 2, 3, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f]))).toBeNull();
  expect(codecString(new Uint8Array([0, 0, 1]))).toBeNull();
});
