import { expect, test } from "vitest";
import { statusOf } from "../../view/status.ts";

const STEERS = {
  isSteering: true,
  isOwner: true,
  hasRequested: false,
  controller: "the owner",
  requests: [] as string[],
};
const SPECTATOR = { ...STEERS, isSteering: false, isOwner: false };

const of = (name: string, reason = "", more: object = {}) =>
  statusOf({
    phase: { name, reason } as never,
    steering: STEERS,
    hint: "Run the cell again.",
    remark: "",
    expiry: null,
    ...more,
  });

test("a live view that steers shows nothing", () => {
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

test("on the way it shows the step", () => {
  expect(of("starting")?.title).toBe("Starting");
  expect(of("connecting")?.title).toBe("Connecting");
  expect(of("reconnecting", "the instance no longer answers")).toMatchObject({
    title: "Reconnecting",
    detail: "The instance no longer answers.",
  });
});

test("a spectator sees who steers, and the steering viewer sees requests", () => {
  expect(of("live", "", { steering: SPECTATOR })).toEqual({
    tone: "quiet",
    title: "Viewer only",
    detail: "The owner steers.",
  });
  expect(of("live", "", { steering: { ...SPECTATOR, hasRequested: true, controller: "" } })?.detail).toBe(
    "No viewer steers. You have asked for control.",
  );
  const asked = of("live", "", { steering: { ...STEERS, requests: ["ada", "bob"] } });
  expect(asked?.title).toBe("Ada and 1 more would like to steer.");
});

test("a near end is shown with its reason, what to do, and the time left", () => {
  const expiry = {
    reason: "a session ends when it is not used for 30 min",
    hint: "move the camera to keep it",
    secondsLeft: 110,
  };
  expect(of("live", "", { expiry })).toEqual({
    tone: "warning",
    title: "Session ends in 2 minutes",
    detail: "A session ends when it is not used for 30 min. Move the camera to keep it.",
  });
  expect(of("live", "", { expiry: { ...expiry, secondsLeft: 31 } })?.title).toBe("Session ends in 40 seconds");
  expect(of("live", "", { expiry, remark: "refused" })?.title).toBe("Refused.");
  expect(of("ended", "", { expiry })?.title).toBe("Session closed");
});
