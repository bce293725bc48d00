import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Picture } from "../../view/picture.ts";

let life: AbortController;
const presented = vi.fn();
const frame = () =>
  ({ displayWidth: 1280, displayHeight: 720, close: vi.fn() }) as unknown as VideoFrame & { close: () => void };
/** What the page calls when a frame was shown, and what starts a video. */
let shown: (now: number, frame: object) => void;
const play = vi.fn(async () => {});

beforeEach(() => {
  vi.clearAllMocks();
  life = new AbortController();
  const { prototype } = HTMLVideoElement;
  Object.defineProperty(prototype, "srcObject", { value: null, writable: true, configurable: true });
  prototype.requestVideoFrameCallback = (callback) => {
    shown = callback as typeof shown;
    return 1;
  };
  prototype.play = play;
});
afterEach(() => {
  life.abort();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
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

function withTrack(): void {
  vi.stubGlobal("MediaStreamTrackGenerator", FakeTrack);
  vi.stubGlobal("MediaStream", class {});
}

test("decoded frames go to a video element below the other one, until the end", async () => {
  withTrack();
  const picture = new Picture();
  const show = picture.openFrames(presented, life.signal);
  const track = FakeTrack.made.at(-1)!;
  const surface = picture.root.querySelector("video.osw-surface")!;
  expect(surface.nextElementSibling).toBe(picture.video);
  const one = frame();
  show(one);
  expect(track.written).toEqual([one]);
  expect(one.close).not.toHaveBeenCalled();
  shown(0, { presentationTime: 10, expectedDisplayTime: 14 });
  expect(presented).toHaveBeenCalledExactlyOnceWith(4);
  expect(picture.frames).toBe(1);
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

test("a video that the page has stopped goes on", () => {
  withTrack();
  const picture = new Picture();
  picture.openFrames(presented, life.signal);
  const surface = picture.root.querySelector("video.osw-surface")!;
  play.mockClear();
  surface.dispatchEvent(new Event("pause"));
  expect(play).toHaveBeenCalledOnce();
  life.abort();
  surface.dispatchEvent(new Event("pause"));
  expect(play).toHaveBeenCalledOnce();
});

test("after the end nothing is made any more", () => {
  withTrack();
  const before = FakeTrack.made.length;
  life.abort();
  const picture = new Picture();
  const late = frame();
  picture.openFrames(presented, life.signal)(late);
  expect(late.close).toHaveBeenCalled();
  expect(FakeTrack.made).toHaveLength(before);
  expect(picture.root.querySelector(".osw-surface")).toBeNull();
});

test("where no video element takes frames they are painted and closed", () => {
  vi.stubGlobal("MediaStreamTrackGenerator", undefined);
  const picture = new Picture();
  document.body.append(picture.root);
  const drawImage = vi.fn();
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue({ drawImage } as never);
  const show = picture.openFrames(presented, life.signal);
  const one = frame();
  show(one);
  expect(drawImage).toHaveBeenCalledWith(one, 0, 0, 1280, 720);
  expect(one.close).toHaveBeenCalled();
  expect(picture.root.querySelector("canvas.osw-surface")).not.toBeNull();
});
