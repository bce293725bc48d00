import { expect, test } from "vitest";
import { isOver, nextPhase, type Phase, type PhaseEvent, STARTING } from "../../session/phase.ts";

const session = (state: string, reason = ""): PhaseEvent => ({ type: "session", state, reason }) as PhaseEvent;
const run = (...events: PhaseEvent[]): Phase => events.reduce(nextPhase, STARTING);

test("only a presented frame makes a view live", () => {
  expect(run(session("REQUESTED"), session("STARTING")).name).toBe("starting");
  expect(run(session("RUNNING")).name).toBe("connecting");
  expect(run(session("RUNNING"), { type: "frame" }).name).toBe("live");
});

test("a lost peer is reconnecting until the next frame", () => {
  const lost = run(session("RUNNING"), { type: "frame" }, { type: "lost", reason: "the instance no longer answers" });
  expect(lost).toEqual({ name: "reconnecting", reason: "the instance no longer answers" });
  expect(nextPhase(lost, session("RUNNING"))).toBe(lost);
  expect(nextPhase(lost, { type: "frame" }).name).toBe("live");
});

test("live video does not need the Jupyter server", () => {
  const live = run(session("RUNNING"), { type: "frame" });
  expect(nextPhase(live, { type: "unreachable", reason: "gone" })).toBe(live);
  expect(nextPhase(live, session("DISCONNECTED"))).toBe(live);
  expect(run({ type: "unreachable", reason: "gone" }).name).toBe("reconnecting");
  expect(run({ type: "unreachable", reason: "gone" }, session("RUNNING")).name).toBe("reconnecting");
});

test("a running session without viewers can be joined", () => {
  expect(run(session("DISCONNECTED")).name).toBe("connecting");
  expect(run(session("DISCONNECTED"), { type: "frame" }).name).toBe("live");
});

test.each([
  ["STOPPING", "ended"],
  ["STOPPED", "ended"],
  ["FAILED", "failed"],
  ["LOST", "failed"],
])("%s is %s, with its reason, and final", (state, name) => {
  const over = run(session("RUNNING"), { type: "frame" }, session(state, "why"));
  expect(over).toEqual({ name, reason: "why" });
  expect(isOver(over)).toBe(true);
  for (const event of [{ type: "frame" }, session("RUNNING"), { type: "lost", reason: "" }] as PhaseEvent[])
    expect(nextPhase(over, event)).toBe(over);
});

test("a session that is gone has ended; a hidden view is connecting again", () => {
  expect(run({ type: "gone", reason: "no such session" })).toEqual({ name: "ended", reason: "no such session" });
  expect(run(session("RUNNING"), { type: "frame" }, { type: "paused" }).name).toBe("connecting");
});

test("an unknown state of a newer server changes nothing", () => {
  expect(run(session("SOMETHING")).name).toBe("starting");
});
