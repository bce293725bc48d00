/** Pointer steering: mouse, pen, touch and wheel over an element. */

import { type Drag, drag, lookAround, mouseDrag, type Point, pinch, wheel } from "./gestures.ts";
import type { InputSender } from "./sender.ts";

interface ActivePointer {
  /** What a mouse drag does; fingers are interpreted by their number. */
  kind: Drag | "finger";
  at: Point;
}

export function listenToPointers(
  element: HTMLElement,
  sender: InputSender,
  isActive: () => boolean,
  signal: AbortSignal,
) {
  const pointers = new Map<number, ActivePointer>();
  const height = () => Math.max(1, element.clientHeight);
  const holdOf = (id: number) => `pointer ${id}`;

  const down = (event: PointerEvent) => {
    if (!isActive() || pointers.has(event.pointerId)) return;
    const kind = event.pointerType === "touch" ? "finger" : mouseDrag(event.button, event.ctrlKey);
    if (kind === null) return;
    event.preventDefault();
    element.focus({ preventScroll: true });
    pointers.set(event.pointerId, { kind, at: positionOf(event) });
    try {
      element.setPointerCapture(event.pointerId);
    } catch {
      // The pointer is gone already, or a script made the event up.
    }
    sender.hold(holdOf(event.pointerId));
  };

  const move = (event: PointerEvent) => {
    const pointer = pointers.get(event.pointerId);
    if (!pointer) return;
    const to = positionOf(event);
    if (to.x === pointer.at.x && to.y === pointer.at.y) return;
    if (pointer.kind === "finger") moveFinger(event.pointerId, pointer, to);
    else sender.move(drag(pointer.kind, pointer.at, to, height()));
    pointer.at = to;
  };

  const moveFinger = (id: number, pointer: ActivePointer, to: Point) => {
    const before = [...pointers.values()].filter((other) => other.kind === "finger").map((other) => other.at);
    const after = [...pointers]
      .filter(([, other]) => other.kind === "finger")
      .map(([other, { at }]) => (other === id ? to : at));
    if (before.length === 1) sender.move(drag("orbit", pointer.at, to, height()));
    else if (before.length === 2) sender.move(pinch([before[0]!, before[1]!], [after[0]!, after[1]!]));
    else sender.move(lookAround(before, after, height()));
  };

  const up = (event: PointerEvent) => {
    if (pointers.delete(event.pointerId)) sender.release(holdOf(event.pointerId));
  };

  const turn = (event: WheelEvent) => {
    if (!isActive()) return;
    event.preventDefault();
    sender.move(wheel(event, height()));
  };

  const options = { signal };
  element.addEventListener("pointerdown", down, options);
  // Browsers delay moves until the next paint; raw updates come at once. Where both come, the second adds nothing.
  element.addEventListener("pointerrawupdate", (event) => move(event as PointerEvent), options);
  element.addEventListener("pointermove", move, options);
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"] as const)
    element.addEventListener(end, up, options);
  element.addEventListener("wheel", turn, { signal, passive: false });
  element.addEventListener("contextmenu", (event) => event.preventDefault(), options);
  // Otherwise a middle click starts the browser's own scrolling.
  element.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault(), options);
}

function positionOf(event: PointerEvent): Point {
  return { x: event.clientX, y: event.clientY };
}
