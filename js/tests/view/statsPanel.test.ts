import { expect, test } from "vitest";
import type { LocalStats } from "../../transport/statistics.ts";
import { rows } from "../../view/statsPanel.ts";

const LOCAL: LocalStats = {
  transport: "websocket",
  relay: null,
  frameRate: 30,
  bitRate: 4e6,
  width: 1280,
  height: 720,
  jitterBufferMs: 0,
  decodeMs: 2,
  roundTripMs: 4,
  presentMs: 8,
  lost: 0,
};
const STAGES = ["Draw", "Encode", "Queue", "Network", "Jitter buffer", "Decode", "Present"];

test("the stages of a frame are in their order", () => {
  const names = rows(LOCAL, null).map(([name]) => name);
  expect(names.filter((name) => STAGES.some((stage) => name.startsWith(stage)))).toHaveLength(7);
  expect(STAGES.map((stage) => names.findIndex((name) => name.startsWith(stage)))).toEqual(
    [...STAGES.keys()].map((n) => n + names.indexOf("Draw")),
  );
});

test("transport, codec and encoder are named, and no encoder where it has no part", () => {
  const all = Object.fromEntries(rows(LOCAL, { draw_ms: 3 }, "x264"));
  expect(all).toMatchObject({ Transport: "WebSocket", Codec: "H.264 (WebCodecs)", Encoder: "x264", Draw: "3.0 ms" });
  expect(Object.fromEntries(rows({ ...LOCAL, transport: "images" }, null, "x264")).Encoder).toBeUndefined();
  const relayed = Object.fromEntries(rows({ ...LOCAL, transport: "webrtc", relay: "tcp" }, null));
  expect(relayed.Transport).toBe("WebRTC, TURN over TCP");
  expect(Object.fromEntries(rows(null, null)).Transport).toBe("–");
});
