/** The phases of a view, as a pure state machine: what its status chip says, and which event leads where. */

import { sessionState, type SessionStateName } from "../protocol/sessionStates.ts";

export type PhaseName = "starting" | "connecting" | "live" | "reconnecting" | "ended" | "failed";

export interface Phase {
  readonly name: PhaseName;
  /** For people; empty when there is nothing to add. */
  readonly reason: string;
}

export type PhaseEvent =
  | { type: "session"; state: SessionStateName; reason: string }
  | { type: "gone"; reason: string }
  | { type: "unreachable"; reason: string }
  | { type: "frame" }
  | { type: "lost"; reason: string }
  | { type: "paused" }
  | { type: "failed"; reason: string };

export const STARTING: Phase = { name: "starting", reason: "" };

export function isOver(phase: Phase): boolean {
  return phase.name === "ended" || phase.name === "failed";
}

/** The next phase. Only a presented frame leads to `live`; `ended` and `failed` are final. */
export function nextPhase(phase: Phase, event: PhaseEvent): Phase {
  if (isOver(phase)) return phase;
  switch (event.type) {
    case "session":
      return afterSession(phase, event.state, event.reason);
    case "gone":
      return { name: "ended", reason: event.reason };
    case "failed":
      return { name: "failed", reason: event.reason };
    case "frame":
      return phase.name === "live" ? phase : { name: "live", reason: "" };
    case "lost":
      return { name: "reconnecting", reason: event.reason };
    case "paused":
      return phase.name === "starting" ? phase : { name: "connecting", reason: "" };
    case "unreachable":
      // Live video does not need the Jupyter server.
      return phase.name === "live" ? phase : { name: "reconnecting", reason: event.reason };
  }
}

function afterSession(phase: Phase, name: SessionStateName, reason: string): Phase {
  const state = sessionState(name);
  switch (state?.kind) {
    case "starting":
      return { name: "starting", reason };
    case "running":
      return phase.name === "starting" ? { name: "connecting", reason: "" } : phase;
    case "ended":
    case "failed":
      return { name: state.kind, reason: reason || state.reason };
    case undefined:
      return phase;
  }
}
