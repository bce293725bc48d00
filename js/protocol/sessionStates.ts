/** Session states: the one table of what each means and how it reads. */

export type SessionStateName =
  | "REQUESTED"
  | "RESERVED"
  | "STARTING"
  | "RUNNING"
  | "DISCONNECTED"
  | "STOPPING"
  | "STOPPED"
  | "FAILED"
  | "LOST";

export interface SessionState {
  readonly kind: "starting" | "running" | "ended" | "failed";
  /** For people. */
  readonly label: string;
  /** No other state follows. */
  readonly isFinal: boolean;
  /** For people, where the server gives no reason of its own. */
  readonly reason: string;
}

const STATES: Record<SessionStateName, SessionState> = {
  REQUESTED: { kind: "starting", label: "Waiting for a free slot", isFinal: false, reason: "" },
  RESERVED: { kind: "starting", label: "A slot is reserved", isFinal: false, reason: "" },
  STARTING: { kind: "starting", label: "Starting", isFinal: false, reason: "" },
  RUNNING: { kind: "running", label: "Running", isFinal: false, reason: "" },
  DISCONNECTED: { kind: "running", label: "Running, no viewers", isFinal: false, reason: "" },
  STOPPING: { kind: "ended", label: "Ending", isFinal: false, reason: "" },
  STOPPED: { kind: "ended", label: "Ended", isFinal: true, reason: "" },
  FAILED: { kind: "failed", label: "Failed", isFinal: true, reason: "the session failed" },
  LOST: { kind: "failed", label: "Lost", isFinal: true, reason: "the render host was lost" },
};

/** Undefined for a state that only newer servers know. */
export function sessionState(name: string): SessionState | undefined {
  return Object.hasOwn(STATES, name) ? STATES[name as SessionStateName] : undefined;
}

/** Whether the session has an instance that can be joined. */
export function isRunning(name: string): boolean {
  return sessionState(name)?.kind === "running";
}
