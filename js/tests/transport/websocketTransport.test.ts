import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MediaLink, Received } from "../../transport/websocketTransport.ts";
import { FakeSocket, HELLO, pictureMessage } from "../fixtures.ts";

const SPS = [0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 1];

/** Stands in for VideoDecoder; pictures come out when a test says so. */
class FakeDecoder {
  static made: FakeDecoder[] = [];
  state = "unconfigured";
  config: Record<string, unknown> = {};
  readonly #init: { output(frame: unknown): void; error(error: Error): void };
  readonly chunks: { type: string; timestamp: number }[] = [];

  constructor(init: { output(frame: unknown): void; error(error: Error): void }) {
    this.#init = init;
    FakeDecoder.made.push(this);
  }

  configure(config: Record<string, unknown>) {
    this.config = config;
    this.state = "configured";
  }

  decode(chunk: { type: string; timestamp: number }) {
    this.chunks.push(chunk);
  }

  close() {
    this.state = "closed";
  }

  show() {
    const { timestamp } = this.chunks.shift()!;
    const frame = { timestamp, displayWidth: 1280, displayHeight: 720, close: vi.fn() };
    this.#init.output(frame);
    return frame;
  }

  break() {
    this.#init.error(new Error("broken"));
  }
}

let socket: FakeSocket;
let life: AbortController;
const paint = vi.fn();
const show = vi.fn();
const screen = { play: vi.fn(), surface: vi.fn(() => paint), decoded: vi.fn(() => show) };
const events = {
  hello: vi.fn(),
  input: vi.fn(),
  state: vi.fn(),
  stats: vi.fn(),
  control: vi.fn(),
  presented: vi.fn(),
  lost: vi.fn(),
};

beforeEach(() => {
  vi.clearAllMocks();
  FakeDecoder.made = [];
  vi.stubGlobal("VideoDecoder", FakeDecoder);
  vi.stubGlobal(
    "EncodedVideoChunk",
    class {
      constructor(init: object) {
        Object.assign(this, init);
      }
    },
  );
  socket = new FakeSocket();
  life = new AbortController();
});
afterEach(() => {
  life.abort();
  vi.unstubAllGlobals();
});

const connect = (rung: "websocket" | "images" = "websocket") => {
  const link = new MediaLink(rung, socket as never, screen, events, life.signal);
  socket.dispatchEvent(new Event("open"));
  return link;
};
const bring = (picture: Parameters<typeof pictureMessage>[0]) =>
  socket.dispatchEvent(new MessageEvent("message", { data: pictureMessage(picture) }));
const decoder = () => FakeDecoder.made.at(-1)!;

test("it asks for video, decodes it, shows it and acknowledges what was shown", async () => {
  const link = connect();
  expect(socket.messages).toEqual([{ type: "media", mode: "h264", format: "jpeg" }]);
  bring({ number: 1, timestamp: 1000, data: SPS });
  bring({ number: 2, timestamp: 2000, key: false });
  expect(decoder().config).toMatchObject({ codec: "avc1.42c01f", codedWidth: 1280, optimizeForLatency: true });
  expect(decoder().chunks.map(({ type }) => type)).toEqual(["key", "delta"]);
  expect(socket.sent).toHaveLength(1);
  const frame = decoder().show();
  expect(show).toHaveBeenCalledExactlyOnceWith(frame);
  expect(socket.messages.at(-1)).toEqual({ type: "ack", number: 1 });
  decoder().show();
  expect(socket.messages.at(-1)).toEqual({ type: "ack", number: 2 });
  expect((await link.look()).inbound).toMatchObject({ framesReceived: 2, framesDecoded: 2, frameWidth: 1280 });
});

test("pictures that cannot be shown yet are acknowledged, and a key frame is asked for", () => {
  connect();
  bring({ number: 1, key: false });
  bring({ number: 2, key: false });
  const sent = socket.messages.slice(1);
  expect(sent.filter(({ type }) => type === "ack")).toHaveLength(2);
  expect(sent.filter(({ verb }) => verb === "key_frame")).toHaveLength(1);
});

test("waiting for the picture before is not decoding", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const link = connect();
  bring({ number: 1, timestamp: 1000, data: SPS });
  bring({ number: 2, timestamp: 2000, key: false });
  vi.advanceTimersByTime(10);
  decoder().show();
  vi.advanceTimersByTime(4);
  decoder().show();
  expect((await link.look()).inbound?.totalDecodeTime).toBeCloseTo(0.014);
  vi.useRealTimers();
});

test("a decoder that breaks ends the rung", () => {
  connect();
  bring({ data: SPS });
  decoder().break();
  expect(events.lost).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("cannot decode the video"));
});

test("input and conversation go the same way", () => {
  const link = connect();
  expect(link.input).toBeNull();
  socket.receive(HELLO);
  expect(events.input).toHaveBeenCalledWith(socket);
  expect(events.hello).toHaveBeenCalled();
  expect(link.hello?.viewer).toBe("v");
  socket.receive('{"type": "control", "steers": false, "controller": null, "requests": []}');
  expect(events.control).toHaveBeenCalled();
});

test("while paused it asks for nothing, and begins anew afterwards", () => {
  const link = connect();
  bring({ data: SPS });
  expect(link.pause()).toBe(true);
  expect(socket.messages.at(-1)).toMatchObject({ type: "media", mode: "none" });
  bring({ number: 2, key: false });
  expect(decoder().chunks).toHaveLength(1);
  link.resume();
  expect(decoder().state).toBe("closed");
  expect(socket.messages.at(-1)).toMatchObject({ mode: "h264" });
});

test("images are shown one by one", async () => {
  const bitmap = { width: 640, height: 360, close: vi.fn() };
  vi.stubGlobal(
    "createImageBitmap",
    vi.fn(async () => bitmap),
  );
  connect("images");
  expect(socket.messages[0]).toMatchObject({ mode: "images" });
  bring({ kind: 2, number: 5 });
  await vi.waitFor(() => expect(socket.messages.at(-1)).toEqual({ type: "ack", number: 5 }));
  expect(paint).toHaveBeenCalledWith(bitmap, 640, 360);
  expect(bitmap.close).toHaveBeenCalled();
});

test("the server's own reason is told, and the end closes socket and decoder", () => {
  connect();
  bring({ data: SPS });
  socket.dispatchEvent(Object.assign(new Event("close"), { code: 4404, reason: "the session has ended" }));
  expect(events.lost.mock.calls[0]).toEqual(["the session has ended"]);
  life.abort();
  expect(socket.closed).toBe(true);
  expect(decoder().state).toBe("closed");
});

test("jitter is that of the way, whatever the two clocks say", () => {
  const received = new Received();
  for (let n = 0; n < 100; n++) received.arrived({ sentAt: 5000 + 33 * n }, 1000, 33 * n + (n % 2) * 4);
  expect(received.inbound.jitter).toBeCloseTo(0.004, 3);
  expect(received.inbound).toMatchObject({ framesReceived: 100, bytesReceived: 100_000 });
});
