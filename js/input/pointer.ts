/** Mouse, pen, touch and wheel over the picture. */

import { type Drag, drag, lookAround, mouseDrag, type Point, pinch, wheel } from "./gestures.ts";
import type { InputSender } from "./sender.ts";

interface Held {
  /** What this pointer does while it is a mouse; fingers are judged by their number. */
  kind: Drag | "finger";
  at: Point;
}

export function listenToPointers(
  picture: HTMLElement,
  sender: InputSender,
  active: () => boolean,
  signal: AbortSignal,
) {
  const held = new Map<number, Held>();
  const height = () => Math.max(1, picture.clientHeight);
  const holder = (id: number) => `pointer ${id}`;

  const down = (event: PointerEvent) => {
    if (!active() || held.has(event.pointerId)) return;
    const kind = event.pointerType === "touch" ? "finger" : mouseDrag(event.button, event.ctrlKey);
    if (kind === null) return;
    event.preventDefault();
    picture.focus({ preventScroll: true });
    held.set(event.pointerId, { kind, at: point(event) });
    try {
      picture.setPointerCapture(event.pointerId);
    } catch {
      // The pointer is gone already, or was made up by a script.
    }
    sender.hold(holder(event.pointerId));
  };

  const move = (event: PointerEvent) => {
    const mine = held.get(event.pointerId);
    if (!mine) return;
    const to = point(event);
    if (to.x === mine.at.x && to.y === mine.at.y) return;
    if (mine.kind === "finger") moveFinger(event.pointerId, mine, to);
    else sender.move(drag(mine.kind, mine.at, to, height()));
    mine.at = to;
  };

  const moveFinger = (id: number, mine: Held, to: Point) => {
    const before = [...held.values()].filter((other) => other.kind === "finger").map((other) => other.at);
    const after = [...held]
      .filter(([, other]) => other.kind === "finger")
      .map(([other, { at }]) => (other === id ? to : at));
    if (before.length === 1) sender.move(drag("orbit", mine.at, to, height()));
    else if (before.length === 2) sender.move(pinch([before[0]!, before[1]!], [after[0]!, after[1]!]));
    else sender.move(lookAround(before, after, height()));
  };

  const up = (event: PointerEvent) => {
    if (held.delete(event.pointerId)) sender.release(holder(event.pointerId));
  };

  const turn = (event: WheelEvent) => {
    if (!active()) return;
    event.preventDefault();
    sender.move(wheel(event, height()));
  };

  const options = { signal };
  picture.addEventListener("pointerdown", down, options);
  // Browsers keep moves back until they next paint; the raw ones come at once. Where both come, the second adds nothing.
  picture.addEventListener("pointerrawupdate", (event) => move(event as PointerEvent), options);
  picture.addEventListener("pointermove", move, options);
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"] as const)
    picture.addEventListener(end, up, options);
  picture.addEventListener("wheel", turn, { signal, passive: false });
  picture.addEventListener("contextmenu", (event) => event.preventDefault(), options);
  // A middle click would otherwise start the browser's own scrolling.
  picture.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault(), options);
}

function point(event: PointerEvent): Point {
  return { x: event.clientX, y: event.clientY };
}
