import { expect, test } from "vitest";
import { compare, PictureLossWatch } from "../../transport/statistics.ts";

test("rates are differences over the time between", () => {
  const stats = compare(
    {
      timestamp: 1000,
      bytesReceived: 0,
      framesDecoded: 10,
      totalDecodeTime: 0.1,
      jitterBufferDelay: 1,
      jitterBufferEmittedCount: 10,
    },
    {
      timestamp: 3000,
      bytesReceived: 500_000,
      framesDecoded: 70,
      totalDecodeTime: 0.22,
      jitterBufferDelay: 1.3,
      jitterBufferEmittedCount: 70,
      frameWidth: 1280,
      frameHeight: 720,
    },
    { rung: "webrtc", inbound: null, roundTrip: 0.004, presentMs: 3, relay: null },
  );
  expect(stats).toMatchObject({
    frameRate: 30,
    bitRate: 2_000_000,
    width: 1280,
    height: 720,
    roundTripMs: 4,
    presentMs: 3,
  });
  expect(stats.decodeMs).toBeCloseTo(2);
  expect(stats.jitterBufferMs).toBeCloseTo(5);
});

test("no frames in between is no division by zero", () => {
  expect(
    compare(
      { timestamp: 0 },
      { timestamp: 0 },
      { rung: "images", inbound: null, roundTrip: null, presentMs: null, relay: null },
    ),
  ).toMatchObject({
    frameRate: 0,
    decodeMs: 0,
    roundTripMs: null,
  });
});

test("the browser's own request for a key frame is passed on, and so is a decoder that is stuck", () => {
  const watch = new PictureLossWatch();
  const look = (framesReceived: number, framesDecoded: number, pliCount = 0) =>
    watch.judge({ timestamp: 0, framesReceived, framesDecoded, pliCount });
  expect(look(1, 1)).toBe(false);
  expect(look(2, 2, 1)).toBe(true);
  expect(look(3, 3, 1)).toBe(false);
  expect(look(4, 3, 1)).toBe(false);
  expect(look(5, 3, 1)).toBe(true);
  expect(look(5, 3, 1)).toBe(false);
});
