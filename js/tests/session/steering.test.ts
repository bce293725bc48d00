import { expect, test } from "vitest";
import type { Hello } from "../../protocol/messages.ts";
import { actionsOf, nameOf, standingOf } from "../../session/steering.ts";

const me = (more: Partial<Hello> = {}) => ({ role: "controller", viewer: "ada", owner: false, ...more }) as Hello;
const OWNERS = { viewer: null, owner: true };
const labels = (...given: Parameters<typeof standingOf>) => actionsOf(standingOf(...given)).map(({ label }) => label);

test("the owner's views steer together and need no buttons", () => {
  const standing = standingOf(me({ owner: true }), { controller: OWNERS, requests: [] });
  expect(standing).toMatchObject({ steers: true, holder: "the owner" });
  expect(actionsOf(standing)).toEqual([]);
});

test("who watches may ask, and take the wish back", () => {
  expect(labels(me(), { controller: OWNERS, requests: [] })).toEqual(["Request control"]);
  expect(labels(me(), { controller: OWNERS, requests: ["ada"] })).toEqual(["Withdraw request"]);
  expect(standingOf(me(), { controller: OWNERS, requests: ["ada"] }).requests).toEqual([]);
});

test("who steers sees who asks, gives control on or lets go of it", () => {
  const news = { controller: { viewer: "ada", owner: false }, requests: ["bob"] };
  expect(standingOf(me(), news).steers).toBe(true);
  expect(labels(me(), news)).toEqual(["Give control to bob", "Release control"]);
  expect(actionsOf(standingOf(me(), news))[0]).toMatchObject({ verb: "give_control", args: { viewer: "bob" } });
});

test("the owner takes control back, and decides over wishes meanwhile", () => {
  const news = { controller: { viewer: "bob", owner: false }, requests: ["eve"] };
  expect(labels(me({ owner: true }), news)).toEqual(["Give control to eve", "Take control"]);
});

test("when nobody steers anybody may ask", () => {
  expect(standingOf(me(), { controller: null, requests: [] })).toMatchObject({ steers: false, holder: "" });
  expect(labels(me(), { controller: null, requests: [] })).toEqual(["Request control"]);
});

test("an instance that knows no control goes by the role", () => {
  expect(standingOf(me(), {}).steers).toBe(true);
  expect(standingOf(me({ role: "viewer" }), {}).steers).toBe(false);
  expect(standingOf(me({ steers: false }), {}).steers).toBe(false);
});

test("names that the server made up are shortened", () => {
  expect(nameOf("media-0a1b2c3d-0000-4000-8000-00000000beef")).toBe("viewer beef");
  expect(nameOf("signaling-0a1b2c3d-0000-4000-8000-00000000beef-2")).toBe("viewer beef");
  expect(nameOf("Ada")).toBe("Ada");
  expect(nameOf("")).toBe("somebody");
});
