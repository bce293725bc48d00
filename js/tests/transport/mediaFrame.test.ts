import { expect, test } from "vitest";
import { codecString, parseMediaFrame } from "../../transport/mediaFrame.ts";
import { bytesOf, media } from "../wire.ts";

test.each(Object.entries(media.frames))("a %s frame is read as the instance writes it", (_, frame) => {
  expect(parseMediaFrame(bytesOf(frame.message).buffer)).toEqual({
    kind: frame.kind,
    isKey: frame.key,
    width: frame.width,
    height: frame.height,
    number: frame.number,
    timestamp: frame.timestamp,
    sentAt: frame.sent_at,
    data: bytesOf(frame.data),
  });
});

test("the header may grow", () => {
  const { message, data } = media.longer_header;
  expect(parseMediaFrame(bytesOf(message).buffer)?.data).toEqual(bytesOf(data));
});

test.each(Object.entries(media.malformed))("a message with a wrong %s is not a frame", (_, message) => {
  expect(parseMediaFrame(bytesOf(message).buffer)).toBeNull();
});

test("the codec is read from the sequence parameter set", () => {
  const delimiter = [0, 0, 0, 1, 9, 0xf0];
  expect(codecString(new Uint8Array([...delimiter, 0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 1, 2]))).toBe("avc1.42c01f");
  expect(codecString(new Uint8Array([0, 0, 1, 0x65, 1, 2, 3, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f]))).toBeNull();
  expect(codecString(new Uint8Array([0, 0, 1]))).toBeNull();
});
