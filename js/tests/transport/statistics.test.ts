import { expect, test } from "vitest";
import { compare, FrameLossMonitor } from "../../transport/statistics.ts";

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
    { transport: "webrtc", inbound: null, roundTrip: 0.004, presentMs: 3, relay: null },
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
      { transport: "images", inbound: null, roundTrip: null, presentMs: null, relay: null },
    ),
  ).toMatchObject({
    frameRate: 0,
    decodeMs: 0,
    roundTripMs: null,
  });
});

test("a key frame is needed after a picture loss indication, and for a decoder that is stuck", () => {
  const monitor = new FrameLossMonitor();
  const update = (framesReceived: number, framesDecoded: number, pliCount = 0) =>
    monitor.update({ timestamp: 0, framesReceived, framesDecoded, pliCount });
  expect(update(1, 1)).toBe(false);
  expect(update(2, 2, 1)).toBe(true);
  expect(update(3, 3, 1)).toBe(false);
  expect(update(4, 3, 1)).toBe(false);
  expect(update(5, 3, 1)).toBe(true);
  expect(update(5, 3, 1)).toBe(false);
});
