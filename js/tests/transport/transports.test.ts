import { expect, test } from "vitest";
import { usableTransports } from "../../transport/transports.ts";

const all = { RTCPeerConnection: class {}, VideoDecoder: class {} };

test("a browser that has everything may use every transport, best first", () => {
  expect(usableTransports(all)).toEqual(["webrtc", "websocket", "images"]);
});

test("unsupported transports are left out; images always work", () => {
  expect(usableTransports({ ...all, RTCPeerConnection: undefined })).toEqual(["websocket", "images"]);
  expect(usableTransports({ ...all, VideoDecoder: undefined })).toEqual(["webrtc", "images"]);
  expect(usableTransports({})).toEqual(["images"]);
});

test("a page may allow fewer, but not what the browser lacks", () => {
  expect(usableTransports({ ...all, __openspaceTransports: ["images", "webrtc"] })).toEqual(["webrtc", "images"]);
  expect(usableTransports({ __openspaceTransports: ["websocket"] })).toEqual([]);
  expect(usableTransports({ ...all, __openspaceTransports: "images" })).toHaveLength(3);
});
