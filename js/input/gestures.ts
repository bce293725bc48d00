/** Mouse, touch and wheel gestures as camera motion: pure functions. Lengths are in view heights. */

import type { Motion } from "./totals.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export type Drag = "orbit" | "zoom" | "roll" | "look";

/** e-folds of nearness for a drag over the whole height. */
const ZOOM_PER_HEIGHT = 3;
const ROLL_PER_HEIGHT = Math.PI;
const ZOOM_PER_WHEEL_PIXEL = 0.002;
const ZOOM_PER_PINCH_PIXEL = 0.01;
/** Pixels of one line of a wheel that counts in lines. */
const LINE_HEIGHT = 33;
const MAX_ZOOM_PER_WHEEL_EVENT = 0.6;

export function mouseDrag(button: number, ctrl: boolean): Drag | null {
  if (button === 0) return ctrl ? "look" : "orbit";
  if (button === 1) return "roll";
  if (button === 2) return "zoom";
  return null;
}

export function drag(kind: Drag, from: Point, to: Point, height: number): Motion {
  const x = (to.x - from.x) / height;
  const y = (to.y - from.y) / height;
  switch (kind) {
    case "orbit":
      return { orbitX: x, orbitY: y };
    case "look":
      return { lookX: x, lookY: y };
    case "zoom":
      return { zoom: -y * ZOOM_PER_HEIGHT };
    case "roll":
      return { roll: x * ROLL_PER_HEIGHT };
  }
}

/** Two fingers: spreading them to twice the distance halves the height above the surface; twisting rolls. */
export function pinch(from: readonly [Point, Point], to: readonly [Point, Point]): Motion {
  const before = span(from);
  const after = span(to);
  if (before.length < 1 || after.length < 1) return {};
  return { zoom: Math.log(after.length / before.length), roll: wrap(after.angle - before.angle) };
}

/** Three or more fingers look around by the movement of their center. */
export function lookAround(from: readonly Point[], to: readonly Point[], height: number): Motion {
  return drag("look", center(from), center(to), height);
}

/** A wheel turned away from the user moves nearer. Trackpads report a pinch as a wheel with Ctrl. */
export function wheel(event: { deltaY: number; deltaMode: number; ctrlKey: boolean }, height: number): Motion {
  const pixels = event.deltaY * (event.deltaMode === 1 ? LINE_HEIGHT : event.deltaMode === 2 ? height : 1);
  const zoom =
    -pixels *
    (event.ctrlKey && event.deltaMode === 0 && Math.abs(pixels) < 50 ? ZOOM_PER_PINCH_PIXEL : ZOOM_PER_WHEEL_PIXEL);
  return { zoom: Math.max(-MAX_ZOOM_PER_WHEEL_EVENT, Math.min(MAX_ZOOM_PER_WHEEL_EVENT, zoom)) };
}

function span([a, b]: readonly [Point, Point]): { length: number; angle: number } {
  return { length: Math.hypot(b.x - a.x, b.y - a.y), angle: Math.atan2(b.y - a.y, b.x - a.x) };
}

function wrap(angle: number): number {
  return angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));
}

function center(points: readonly Point[]): Point {
  const sum = points.reduce((total, point) => ({ x: total.x + point.x, y: total.y + point.y }), { x: 0, y: 0 });
  return { x: sum.x / points.length, y: sum.y / points.length };
}
