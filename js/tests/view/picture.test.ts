import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Picture } from "../../view/picture.ts";

let life: AbortController;
const presented = vi.fn();
const frame = () =>
  ({ displayWidth: 1280, displayHeight: 720, close: vi.fn() }) as unknown as VideoFrame & { close: () => void };

beforeEach(() => {
  vi.clearAllMocks();
  life = new AbortController();
  HTMLVideoElement.prototype.requestVideoFrameCallback = vi.fn(() => 1);
  HTMLVideoElement.prototype.play = async () => {};
});
afterEach(() => {
  life.abort();
  vi.unstubAllGlobals();
});

/** Stands in for Chromium's track that takes frames. */
class FakeTrack {
  static made: FakeTrack[] = [];
  readonly written: unknown[] = [];
  full = false;
  stop = vi.fn();
  readonly writable = {
    getWriter: () => ({
      write: async (each: unknown) => {
        if (this.full) throw new Error("full");
        this.written.push(each);
      },
    }),
  };

  constructor() {
    FakeTrack.made.push(this);
  }
}

function withTrack(): FakeTrack {
  vi.stubGlobal("MediaStreamTrackGenerator", FakeTrack);
  vi.stubGlobal("MediaStream", class {});
  Object.defineProperty(HTMLVideoElement.prototype, "srcObject", { value: null, writable: true, configurable: true });
  return FakeTrack.made.at(-1) as FakeTrack;
}

test("decoded frames go to a video element below the other one, until the end", async () => {
  withTrack();
  const picture = new Picture();
  const show = picture.decoded(presented, life.signal);
  const track = FakeTrack.made.at(-1)!;
  const surface = picture.root.querySelector("video.osw-surface")!;
  expect(surface.nextElementSibling).toBe(picture.video);
  const one = frame();
  show(one);
  expect(track.written).toEqual([one]);
  expect(one.close).not.toHaveBeenCalled();
  track.full = true;
  const refused = frame();
  show(refused);
  await vi.waitFor(() => expect(refused.close).toHaveBeenCalled());
  life.abort();
  expect(track.stop).toHaveBeenCalled();
  expect(surface.isConnected).toBe(false);
  const late = frame();
  show(late);
  expect(late.close).toHaveBeenCalled();
});

test("where no video element takes frames they are painted and closed", () => {
  vi.stubGlobal("MediaStreamTrackGenerator", undefined);
  const picture = new Picture();
  document.body.append(picture.root);
  const drawImage = vi.fn();
  HTMLCanvasElement.prototype.getContext = vi.fn(() => ({ drawImage })) as never;
  const show = picture.decoded(presented, life.signal);
  const one = frame();
  show(one);
  expect(drawImage).toHaveBeenCalledWith(one, 0, 0, 1280, 720);
  expect(one.close).toHaveBeenCalled();
  expect(picture.root.querySelector("canvas.osw-surface")).not.toBeNull();
});
