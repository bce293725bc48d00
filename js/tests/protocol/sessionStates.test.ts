import { expect, test } from "vitest";
import { isRunning, sessionState } from "../../protocol/sessionStates.ts";
import { sessions } from "../wire.ts";

test("every state of the server is known, with a label", () => {
  for (const name of sessions.states) expect(sessionState(name)?.label).toBeTruthy();
  expect(sessionState("LATER")).toBeUndefined();
  expect(sessionState("toString")).toBeUndefined();
});

test("the server's running and final states are ours", () => {
  expect(sessions.states.filter(isRunning)).toEqual(sessions.running_states);
  expect(sessions.states.filter((name) => sessionState(name)?.isFinal)).toEqual(sessions.final_states);
});
