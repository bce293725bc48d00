import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Viewport } from "../../view/viewport.ts";

let life: AbortController;
const onPresented = vi.fn();
const frame = () =>
  ({ displayWidth: 1280, displayHeight: 720, close: vi.fn() }) as unknown as VideoFrame & { close: () => void };
/** The callback for a shown frame, and the start of a video. */
let present: (now: number, frame: object) => void;
const play = vi.fn(async () => {});

beforeEach(() => {
  vi.clearAllMocks();
  life = new AbortController();
  const { prototype } = HTMLVideoElement;
  Object.defineProperty(prototype, "srcObject", { value: null, writable: true, configurable: true });
  prototype.requestVideoFrameCallback = (callback) => {
    present = callback as typeof present;
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

test("decoded frames go to a video element below the stream's, until the end", async () => {
  withTrack();
  const viewport = new Viewport();
  const show = viewport.openFrames(onPresented, life.signal);
  const track = FakeTrack.made.at(-1)!;
  const surface = viewport.root.querySelector("video.osw-surface")!;
  expect(surface.nextElementSibling).toBe(viewport.video);
  const one = frame();
  show(one);
  expect(track.written).toEqual([one]);
  expect(one.close).not.toHaveBeenCalled();
  present(0, { presentationTime: 10, expectedDisplayTime: 14 });
  expect(onPresented).toHaveBeenCalledExactlyOnceWith(4);
  expect(viewport.frames).toBe(1);
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

test("a video that the page has paused resumes", () => {
  withTrack();
  const viewport = new Viewport();
  viewport.openFrames(onPresented, life.signal);
  const surface = viewport.root.querySelector("video.osw-surface")!;
  play.mockClear();
  surface.dispatchEvent(new Event("pause"));
  expect(play).toHaveBeenCalledOnce();
  life.abort();
  surface.dispatchEvent(new Event("pause"));
  expect(play).toHaveBeenCalledOnce();
});

test("nothing is created after the end", () => {
  withTrack();
  const before = FakeTrack.made.length;
  life.abort();
  const viewport = new Viewport();
  const late = frame();
  viewport.openFrames(onPresented, life.signal)(late);
  expect(late.close).toHaveBeenCalled();
  expect(FakeTrack.made).toHaveLength(before);
  expect(viewport.root.querySelector(".osw-surface")).toBeNull();
});

test("where no video element takes frames they are painted and closed", () => {
  vi.stubGlobal("MediaStreamTrackGenerator", undefined);
  const viewport = new Viewport();
  document.body.append(viewport.root);
  const drawImage = vi.fn();
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue({ drawImage } as never);
  const show = viewport.openFrames(onPresented, life.signal);
  const one = frame();
  show(one);
  expect(drawImage).toHaveBeenCalledWith(one, 0, 0, 1280, 720);
  expect(one.close).toHaveBeenCalled();
  expect(viewport.root.querySelector("canvas.osw-surface")).not.toBeNull();
});
