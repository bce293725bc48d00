import { expect, test } from "vitest";
import { drag, lookAround, mouseDrag, pinch, wheel } from "../../input/gestures.ts";

const p = (x: number, y: number) => ({ x, y });

test("mouse buttons: left orbits, with Ctrl it looks, middle rolls, right zooms", () => {
  expect([
    mouseDrag(0, false),
    mouseDrag(0, true),
    mouseDrag(1, false),
    mouseDrag(2, false),
    mouseDrag(3, false),
  ]).toEqual(["orbit", "look", "roll", "zoom", null]);
});

test("orbit and look are in view heights, right and down positive", () => {
  expect(drag("orbit", p(0, 0), p(250, 500), 500)).toEqual({ orbitX: 0.5, orbitY: 1 });
  expect(drag("look", p(10, 10), p(-40, 10), 500)).toEqual({ lookX: -0.1, lookY: 0 });
});

test("dragging up comes nearer, dragging right rolls clockwise", () => {
  expect(drag("zoom", p(0, 500), p(90, 0), 500).zoom).toBeCloseTo(3);
  expect(drag("roll", p(0, 0), p(500, 90), 500).roll).toBeCloseTo(Math.PI);
});

test("spreading two fingers to twice the distance is ln 2", () => {
  const motion = pinch([p(100, 100), p(200, 100)], [p(50, 100), p(250, 100)]);
  expect(motion.zoom).toBeCloseTo(Math.LN2);
  expect(motion.roll).toBeCloseTo(0);
});

test("twisting clockwise on the screen is positive, and takes the short way round", () => {
  expect(pinch([p(0, 0), p(100, 0)], [p(0, 0), p(0, 100)]).roll).toBeCloseTo(Math.PI / 2);
  expect(pinch([p(0, 0), p(-100, 1)], [p(0, 0), p(-100, -1)]).roll).toBeCloseTo(0.02, 3);
});

test("fingers on one spot say nothing", () => {
  expect(pinch([p(5, 5), p(5, 5)], [p(5, 5), p(50, 5)])).toEqual({});
});

test("three fingers look by their middle", () => {
  const from = [p(0, 0), p(30, 0), p(60, 0)];
  expect(lookAround(from, [p(30, 0), p(30, 0), p(60, 0)], 100)).toEqual({ lookX: 0.1, lookY: 0 });
});

test("a wheel turned away comes nearer; lines count as pixels; one event cannot throw the camera", () => {
  const turn = (deltaY: number, deltaMode = 0, ctrlKey = false) => wheel({ deltaY, deltaMode, ctrlKey }, 500).zoom;
  expect(turn(-100)).toBeCloseTo(0.2);
  expect(turn(100)).toBeCloseTo(-0.2);
  expect(turn(-3, 1)).toBeCloseTo(turn(-99)!);
  expect(turn(-3, 0, true)).toBeCloseTo(0.03);
  expect(turn(-1e6)).toBe(0.6);
});
