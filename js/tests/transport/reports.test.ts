import { expect, test } from "vitest";
import { Reporter, compileReport } from "../../transport/reports.ts";
import type { Inbound } from "../../transport/statistics.ts";

const snapshot = (inbound: Inbound | null, roundTrip: number | null = null) => ({
  transport: "webrtc" as const,
  inbound,
  roundTrip,
  presentMs: null,
  relay: null,
});

test("a report covers the time since the last one", () => {
  const before = { timestamp: 0, packetsReceived: 100, packetsLost: 1, framesReceived: 10, framesDecoded: 10 };
  const after = {
    timestamp: 250,
    packetsReceived: 190,
    packetsLost: 11,
    framesReceived: 20,
    framesDecoded: 18,
    totalDecodeTime: 0.016,
    jitter: 0.0015,
    jitterBufferDelay: 0.05,
    jitterBufferEmittedCount: 10,
    bytesReceived: 125_000,
  };
  expect(compileReport(before, after, 0.02, 2)).toEqual({
    fps: 40,
    loss: 0.1,
    jitter_ms: 1.5,
    rtt_ms: 20,
    freezes: 2,
    decode_ms: 2,
    frames_decoded: 18,
    jitter_buffer_ms: 5,
    bit_rate: 4_000_000,
  });
  expect(compileReport(after, { ...after, timestamp: 500 }, null, 0)).toMatchObject({
    fps: 0,
    loss: 0,
    decode_ms: null,
    rtt_ms: null,
    jitter_buffer_ms: null,
    bit_rate: 0,
  });
});

test("four reports a second while frames arrive, else one", () => {
  const reporter = new Reporter();
  let framesReceived = 0;
  const sent: number[] = [];
  for (let timestamp = 0; timestamp <= 4000; timestamp += 250) {
    if (timestamp <= 1000) framesReceived += 8;
    if (reporter.next(snapshot({ timestamp, framesReceived }))) sent.push(timestamp);
  }
  expect(sent).toEqual([250, 500, 750, 1000, 2000, 3000, 4000]);
});

test("packets that complete no frame are reported as soon as frames are", () => {
  const reporter = new Reporter();
  let packetsReceived = 0;
  const sent: number[] = [];
  for (let timestamp = 0; timestamp <= 3000; timestamp += 250) {
    if (timestamp <= 1000) packetsReceived += 8;
    if (reporter.next(snapshot({ timestamp, framesReceived: 5, packetsReceived }))) sent.push(timestamp);
  }
  expect(sent).toEqual([250, 500, 750, 1000, 2000, 3000]);
});

test("no report comes before there are two snapshots, and a camera at rest is no freeze", () => {
  const reporter = new Reporter();
  expect(reporter.next(snapshot(null))).toBeNull();
  expect(reporter.next(snapshot({ timestamp: 0, framesReceived: 1 }))).toBeNull();
  // At rest, then the first frame: the browser counts a freeze.
  expect(reporter.next(snapshot({ timestamp: 250, framesReceived: 1 }))).toBeNull();
  expect(reporter.next(snapshot({ timestamp: 500, framesReceived: 3, freezeCount: 1 }))?.freezes).toBe(0);
  // Between frames, or with losses, it is one.
  expect(reporter.next(snapshot({ timestamp: 750, framesReceived: 9, freezeCount: 2 }))?.freezes).toBe(1);
  expect(reporter.next(snapshot({ timestamp: 1000, framesReceived: 9, freezeCount: 2 }))).toBeNull();
  const lossy = { timestamp: 1250, framesReceived: 12, freezeCount: 3, packetsLost: 5 };
  expect(reporter.next(snapshot(lossy))?.freezes).toBe(2);
});
