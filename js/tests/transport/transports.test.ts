import { expect, test } from "vitest";
import { usableRungs } from "../../transport/transports.ts";

const all = { RTCPeerConnection: class {}, VideoDecoder: class {} };

test("a browser that has everything may use every rung, best first", () => {
  expect(usableRungs(all)).toEqual(["webrtc", "websocket", "images"]);
});

test("what is missing is left out; images always work", () => {
  expect(usableRungs({ ...all, RTCPeerConnection: undefined })).toEqual(["websocket", "images"]);
  expect(usableRungs({ ...all, VideoDecoder: undefined })).toEqual(["webrtc", "images"]);
  expect(usableRungs({})).toEqual(["images"]);
});

test("a page may allow fewer, but not what the browser lacks", () => {
  expect(usableRungs({ ...all, __openspaceTransports: ["images", "webrtc"] })).toEqual(["webrtc", "images"]);
  expect(usableRungs({ __openspaceTransports: ["websocket"] })).toEqual([]);
  expect(usableRungs({ ...all, __openspaceTransports: "images" })).toHaveLength(3);
});
