import { expect, test } from "vitest";
import type { Hello } from "../../protocol/messages.ts";
import { actionsOf, displayName, steeringOf } from "../../session/steering.ts";

const me = (more: Partial<Hello> = {}) => ({ role: "controller", viewer: "ada", owner: false, ...more }) as Hello;
const OWNERS = { viewer: null, owner: true };
const labels = (...args: Parameters<typeof steeringOf>) => actionsOf(steeringOf(...args)).map(({ label }) => label);

test("the owner's views steer together and need no buttons", () => {
  const steering = steeringOf(me({ owner: true }), { controller: OWNERS, requests: [] });
  expect(steering).toMatchObject({ isSteering: true, controller: "the owner" });
  expect(actionsOf(steering)).toEqual([]);
});

test("a spectator may request control, and withdraw the request", () => {
  expect(labels(me(), { controller: OWNERS, requests: [] })).toEqual(["Request control"]);
  expect(labels(me(), { controller: OWNERS, requests: ["ada"] })).toEqual(["Withdraw request"]);
  expect(steeringOf(me(), { controller: OWNERS, requests: ["ada"] }).requests).toEqual([]);
});

test("the steering viewer sees requests, and may give control on or release it", () => {
  const update = { controller: { viewer: "ada", owner: false }, requests: ["bob"] };
  expect(steeringOf(me(), update).isSteering).toBe(true);
  expect(labels(me(), update)).toEqual(["Give control to bob", "Release control"]);
  expect(actionsOf(steeringOf(me(), update))[0]).toMatchObject({ verb: "give_control", args: { viewer: "bob" } });
});

test("the owner takes control back, and meanwhile grants requests", () => {
  const update = { controller: { viewer: "bob", owner: false }, requests: ["eve"] };
  expect(labels(me({ owner: true }), update)).toEqual(["Give control to eve", "Take control"]);
});

test("while no viewer steers any may request control", () => {
  expect(steeringOf(me(), { controller: null, requests: [] })).toMatchObject({ isSteering: false, controller: "" });
  expect(labels(me(), { controller: null, requests: [] })).toEqual(["Request control"]);
});

test("with an older instance the role decides", () => {
  expect(steeringOf(me(), {}).isSteering).toBe(true);
  expect(steeringOf(me({ role: "viewer" }), {}).isSteering).toBe(false);
  expect(steeringOf(me({ steers: false }), {}).isSteering).toBe(false);
});

test("names that the server generated are shortened", () => {
  expect(displayName("media-0a1b2c3d-0000-4000-8000-00000000beef")).toBe("viewer beef");
  expect(displayName("signaling-0a1b2c3d-0000-4000-8000-00000000beef-2")).toBe("viewer beef");
  expect(displayName("Ada")).toBe("Ada");
  expect(displayName("")).toBe("a viewer");
});
