import { expect, test } from "vitest";
import { statusOf } from "../../view/status.ts";

const STEERS = {
  isSteering: true,
  isOwner: true,
  hasRequested: false,
  controller: "the owner",
  requests: [] as string[],
};
const WATCHES = { ...STEERS, isSteering: false, isOwner: false };

const of = (name: string, reason = "", more: object = {}) =>
  statusOf({
    phase: { name, reason } as never,
    standing: STEERS,
    hint: "Run the cell again.",
    remark: "",
    ending: null,
    ...more,
  });

test("a live controller has nothing to be told", () => {
  expect(of("live")).toBeNull();
  expect(of("live", "", { remark: "unknown target 'Vulcan'" })).toEqual({
    tone: "warning",
    title: "Unknown target 'Vulcan'.",
  });
});

test("an end says why and what to do", () => {
  expect(of("failed", "no free slot")).toEqual({
    tone: "error",
    title: "Failed",
    detail: "No free slot. Run the cell again.",
  });
  expect(of("ended")).toEqual({ tone: "quiet", title: "Session closed", detail: "Run the cell again." });
});

test("on the way it says what it does", () => {
  expect(of("starting")?.title).toBe("Starting");
  expect(of("connecting")?.title).toBe("Connecting");
  expect(of("reconnecting", "the instance no longer answers")).toMatchObject({
    title: "Reconnecting",
    detail: "The instance no longer answers.",
  });
});

test("who watches is told who steers, and who steers is told who asks", () => {
  expect(of("live", "", { standing: WATCHES })).toEqual({
    tone: "quiet",
    title: "Viewer only",
    detail: "The owner steers.",
  });
  expect(of("live", "", { standing: { ...WATCHES, hasRequested: true, controller: "" } })?.detail).toBe(
    "No viewer steers. You have asked for control.",
  );
  const asked = of("live", "", { standing: { ...STEERS, requests: ["ada", "bob"] } });
  expect(asked?.title).toBe("Ada and 1 more would like to steer.");
});

test("an end that comes near is told with its reason, what to do, and the time left", () => {
  const ending = {
    reason: "a session ends when nobody uses it for 30 min",
    hint: "move the camera to keep it",
    left: 110,
  };
  expect(of("live", "", { ending })).toEqual({
    tone: "warning",
    title: "Session ends in 2 minutes",
    detail: "A session ends when nobody uses it for 30 min. Move the camera to keep it.",
  });
  expect(of("live", "", { ending: { ...ending, left: 31 } })?.title).toBe("Session ends in 40 seconds");
  expect(of("live", "", { ending, remark: "refused" })?.title).toBe("Refused.");
  expect(of("ended", "", { ending })?.title).toBe("Session closed");
});
