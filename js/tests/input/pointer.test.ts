import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { listenToPointers } from "../../input/pointer.ts";
import type { InputSender } from "../../input/sender.ts";
import { AXES, Totals } from "../../input/totals.ts";

let element: HTMLElement;
let life: AbortController;
let totals: Totals;
let holds: Set<string>;
let isActive: boolean;

beforeEach(() => {
  element = document.createElement("div");
  document.body.append(element);
  Object.defineProperty(element, "clientHeight", { value: 500 });
  element.setPointerCapture = vi.fn();
  life = new AbortController();
  totals = new Totals();
  holds = new Set();
  isActive = true;
  const sender = {
    move: (motion: object) => totals.add(motion),
    hold: (source: string) => holds.add(source),
    release: (source: string) => holds.delete(source),
  };
  listenToPointers(element, sender as unknown as InputSender, () => isActive, life.signal);
});
afterEach(() => {
  life.abort();
  element.remove();
});

function pointer(type: string, x: number, y: number, more: PointerEventInit = {}): PointerEvent {
  const event = new PointerEvent(type, {
    clientX: x,
    clientY: y,
    pointerId: 1,
    pointerType: "mouse",
    cancelable: true,
    ...more,
  });
  element.dispatchEvent(event);
  return event;
}
const touch = (type: string, id: number, x: number, y: number) =>
  pointer(type, x, y, { pointerId: id, pointerType: "touch" });
const moved = () => AXES.filter((axis) => Math.abs(totals.axes[axis]) > 1e-9);

test.each([
  [{ button: 0 }, ["orbitX", "orbitY"]],
  [{ button: 0, ctrlKey: true }, ["lookX", "lookY"]],
  [{ button: 1 }, ["roll"]],
  [{ button: 2 }, ["zoom"]],
])("mouse %o moves %s, and nothing after the release", (init, axes) => {
  pointer("pointerdown", 0, 0, init);
  expect(holds.size).toBe(1);
  pointer("pointermove", 50, 25, init);
  expect(moved()).toEqual(axes);
  pointer("pointerup", 50, 25, init);
  expect(holds.size).toBe(0);
  const before = { ...totals.axes };
  pointer("pointermove", 500, 250, init);
  expect(totals.axes).toEqual(before);
});

test("a raw update and the move at the next paint count once", () => {
  pointer("pointerdown", 0, 0);
  pointer("pointerrawupdate", 50, 0);
  pointer("pointerrawupdate", 100, 0);
  expect(totals.axes.orbitX).toBeCloseTo(100 / 500);
  pointer("pointermove", 100, 0);
  expect(totals.axes.orbitX).toBeCloseTo(100 / 500);
});

test("a cancelled or lost pointer is a release", () => {
  for (const end of ["pointercancel", "lostpointercapture"]) {
    pointer("pointerdown", 0, 0);
    pointer(end, 0, 0);
    expect(holds.size).toBe(0);
  }
});

test("one finger orbits, the second makes it pinch and twist, the third look", () => {
  touch("pointerdown", 1, 100, 100);
  touch("pointermove", 1, 150, 100);
  expect(totals.axes.orbitX).toBeCloseTo(0.1);
  touch("pointerdown", 2, 250, 100);
  touch("pointermove", 2, 350, 100);
  expect(totals.axes.zoom).toBeCloseTo(Math.LN2);
  touch("pointermove", 2, 150, 300);
  expect(totals.axes.roll).toBeCloseTo(Math.PI / 2);
  expect(totals.axes.orbitX).toBeCloseTo(0.1);
  touch("pointerdown", 3, 0, 0);
  touch("pointermove", 3, 150, 0);
  expect(totals.axes.lookX).toBeCloseTo(0.1);
  expect(holds.size).toBe(3);
  for (const id of [1, 2, 3]) touch("pointerup", id, 0, 0);
  expect(holds.size).toBe(0);
});

test("the wheel is handled only by a view that steers", () => {
  const turn = () => {
    const event = new WheelEvent("wheel", { deltaY: -100, cancelable: true });
    element.dispatchEvent(event);
    return event;
  };
  expect(turn().defaultPrevented).toBe(true);
  expect(totals.axes.zoom).toBeCloseTo(0.2);
  isActive = false;
  expect(turn().defaultPrevented).toBe(false);
  pointer("pointerdown", 0, 0);
  expect(holds.size).toBe(0);
});

test("there is no context menu, and no listener is left after the end", () => {
  const menu = new MouseEvent("contextmenu", { cancelable: true });
  element.dispatchEvent(menu);
  expect(menu.defaultPrevented).toBe(true);
  life.abort();
  pointer("pointerdown", 0, 0);
  expect(holds.size).toBe(0);
});
