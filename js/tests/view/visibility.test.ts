import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HIDDEN_AFTER, watchVisibility } from "../../view/visibility.ts";

let intersect: (visible: boolean) => void;
let life: AbortController;
const onHidden = vi.fn();
const onShown = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  life = new AbortController();
  vi.stubGlobal(
    "IntersectionObserver",
    class {
      constructor(callback: (entries: { isIntersecting: boolean }[]) => void) {
        intersect = (isIntersecting) => callback([{ isIntersecting }]);
      }
      observe() {}
      disconnect() {}
    },
  );
  watchVisibility(document.body, onHidden, onShown, life.signal);
});
afterEach(() => {
  life.abort();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("ten seconds out of view is hidden, back in view is shown", () => {
  intersect(false);
  vi.advanceTimersByTime(HIDDEN_AFTER - 1);
  expect(onHidden).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onHidden).toHaveBeenCalledOnce();
  intersect(false);
  vi.advanceTimersByTime(HIDDEN_AFTER);
  expect(onHidden).toHaveBeenCalledOnce();
  intersect(true);
  expect(onShown).toHaveBeenCalledOnce();
});

test("a short time out of view is ignored", () => {
  intersect(false);
  vi.advanceTimersByTime(HIDDEN_AFTER / 2);
  intersect(true);
  vi.advanceTimersByTime(HIDDEN_AFTER * 2);
  expect(onHidden).not.toHaveBeenCalled();
  expect(onShown).not.toHaveBeenCalled();
});
