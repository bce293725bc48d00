import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PickedPoint, PickMode } from "../../protocol/messages.ts";
import { positionInFrame, watchPicks } from "../../view/picking.ts";

const STAR: PickedPoint = { name: "stars", index: 12, value: 0.123456789, how: "click", sequence: 1 };
const BOX = { left: 10, top: 20, width: 200, height: 100 };

function watched(mode: PickMode, answer: PickedPoint | null = STAR) {
  const life = new AbortController();
  const viewport = document.createElement("div");
  viewport.getBoundingClientRect = () => BOX as DOMRect;
  const pick = vi.fn(async () => answer);
  const label = watchPicks(
    viewport,
    { mode: () => mode, size: () => ({ width: 400, height: 200 }), pick },
    life.signal,
  );
  const pointer = (type: string, clientX: number, clientY: number, more: PointerEventInit = {}) =>
    viewport.dispatchEvent(new PointerEvent(type, { clientX, clientY, pointerId: 1, ...more }));
  return { pick, label, pointer, life };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("picking", () => {
  it("asks at a click, and names the point", async () => {
    const { pick, label, pointer } = watched("click");
    pointer("pointerdown", 60, 70);
    pointer("pointerup", 61, 70);
    await vi.advanceTimersByTimeAsync(0);
    expect(pick).toHaveBeenCalledWith(0.255, 0.5, "click");
    expect(label.hidden).toBe(false);
    expect(label.textContent).toBe("stars #12 · 0.123457");
    await vi.advanceTimersByTimeAsync(5000);
    expect(label.hidden).toBe(true);
  });

  it("takes a drag for steering, and asks nothing where there are no points", async () => {
    const dragged = watched("click");
    dragged.pointer("pointerdown", 60, 70);
    dragged.pointer("pointerup", 90, 70);
    const empty = watched("never");
    empty.pointer("pointerdown", 60, 70);
    empty.pointer("pointerup", 60, 70);
    await vi.advanceTimersByTimeAsync(500);
    expect(dragged.pick).not.toHaveBeenCalled();
    expect(empty.pick).not.toHaveBeenCalled();
  });

  it("asks where the pointer rests only while hovering is requested", async () => {
    const quiet = watched("click");
    quiet.pointer("pointermove", 50, 50);
    const { pick, pointer } = watched("hover");
    pointer("pointermove", 50, 50);
    pointer("pointermove", 60, 50);
    await vi.advanceTimersByTimeAsync(70);
    pointer("pointermove", 110, 70);
    pointer("pointermove", 110, 70, { buttons: 1 });
    await vi.advanceTimersByTimeAsync(500);
    expect(quiet.pick).not.toHaveBeenCalled();
    expect(pick.mock.calls).toEqual([[0.5, 0.5, "hover"]]);
  });

  it("shows nothing where there is no point, nor an answer that came too late", async () => {
    const none = watched("click", null);
    none.pointer("pointerdown", 60, 70);
    none.pointer("pointerup", 60, 70);
    const late = watched("click");
    late.pointer("pointerdown", 60, 70);
    late.pointer("pointerup", 60, 70);
    late.pointer("pointerdown", 80, 70);
    await vi.advanceTimersByTimeAsync(10);
    expect(none.label.hidden).toBe(true);
    expect(late.label.hidden).toBe(true);
  });

  it("counts positions in the frame, not in the letterbox", () => {
    const square = { width: 100, height: 100 };
    expect(positionInFrame({ clientX: 110, clientY: 70 }, BOX, square)).toEqual({ x: 0.5, y: 0.5 });
    expect(positionInFrame({ clientX: 60, clientY: 20 }, BOX, square)).toEqual({ x: 0, y: 0 });
    expect(positionInFrame({ clientX: 59, clientY: 70 }, BOX, square)).toBeNull();
    expect(positionInFrame({ clientX: 59, clientY: 70 }, BOX, null)).toBeNull();
  });
});
