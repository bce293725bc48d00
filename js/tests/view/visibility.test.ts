import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HIDDEN_FOR, watchVisibility } from "../../view/visibility.ts";

let intersect: (visible: boolean) => void;
let life: AbortController;
const hidden = vi.fn();
const shown = vi.fn();

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
  watchVisibility(document.body, hidden, shown, life.signal);
});
afterEach(() => {
  life.abort();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("ten seconds out of sight is hidden, the first sight after it shown", () => {
  intersect(false);
  vi.advanceTimersByTime(HIDDEN_FOR - 1);
  expect(hidden).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(hidden).toHaveBeenCalledOnce();
  intersect(false);
  vi.advanceTimersByTime(HIDDEN_FOR);
  expect(hidden).toHaveBeenCalledOnce();
  intersect(true);
  expect(shown).toHaveBeenCalledOnce();
});

test("a short look away is nothing", () => {
  intersect(false);
  vi.advanceTimersByTime(HIDDEN_FOR / 2);
  intersect(true);
  vi.advanceTimersByTime(HIDDEN_FOR * 2);
  expect(hidden).not.toHaveBeenCalled();
  expect(shown).not.toHaveBeenCalled();
});
