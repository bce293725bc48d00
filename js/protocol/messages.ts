/** Types of the wire messages that the view reads; `openspace_server/protocols/` defines them. */

import type { SessionStateName } from "./sessionStates.ts";

export interface SessionInfo {
  id: string;
  name: string;
  state: SessionStateName;
  reason: string;
  engine: string;
  width: number;
  height: number;
  created: string;
  /** How many are ahead in the queue; only while the session waits in it. */
  place?: number;
}

/** The session is about to end; an empty `at` cancels an earlier warning. */
export interface SessionWarning {
  reason: string;
  at: string;
  /** How to keep it. */
  hint: string;
  /** Time left when it was sent: this browser's clock may be wrong. */
  seconds: number;
}

export type Role = "controller" | "viewer";

export interface Target {
  identifier: string;
  name: string;
  kind: string;
}

/** The instance's state; the view runs its own clock from `time` and `rate`. */
export interface RemoteState {
  time: string;
  rate: number;
  paused: boolean;
  focus: string;
  flying: boolean;
  width: number;
  height: number;
  /** The most frames per second now. */
  frame_rate: number;
  /** Null while the instance decides. Missing in older instances. */
  chosen_frame_rate?: number | null;
  bit_rate: number;
  viewers: number;
  following: boolean;
  /** Missing in older instances. */
  picks?: PickMode;
  /** Missing in older instances. */
  controller?: Controller | null;
  requests?: string[];
}

/** The steering side: the owner's views together, or one viewer. */
export interface Controller {
  viewer: string | null;
  owner: boolean;
}

/** The steering side, and the names of the viewers that ask for it. */
export interface ControlUpdate {
  steers?: boolean;
  controller: Controller | null;
  requests: string[];
}

export interface Hello {
  role: Role;
  viewer: string;
  /** A view of the session's owner. */
  owner?: boolean;
  steers?: boolean;
  engine: Record<string, unknown>;
  targets: Target[];
  encoder: unknown;
  state: RemoteState;
}

/** The reply to `who`. */
export interface ViewerList {
  you: string;
  viewers: ViewerInfo[];
}

export interface ViewerInfo {
  viewer: string;
  role: Role;
  owner: boolean;
  steers: boolean;
  asks: boolean;
  transport: string;
}

export interface RemoteStats {
  frame_rate?: number;
  bit_rate?: number;
  draw_ms?: number;
  encode_ms?: number;
  queue_ms?: number;
  encoder?: string;
  frames_drawn?: number;
  /** Frames encoded, all layers. */
  frames_encoded?: number;
  /** Frames sent to all viewers. */
  frames_sent?: number;
  [name: string]: unknown;
}

export type Verb =
  | "state"
  | "fly_to"
  | "set_focus"
  | "home"
  | "set_time"
  | "set_rate"
  | "set_paused"
  | "resolution"
  | "follow"
  | "quality"
  | "stats"
  | "key_frame"
  | "who"
  | "request_control"
  | "release_control"
  | "give_control"
  | "take_control"
  | "pick"
  | "ping";

/** When the view asks for the point under the pointer. */
export type PickMode = "never" | "click" | "hover";

/** A point of a user's data set. */
export interface PickedPoint {
  name: string;
  index: number;
  sequence: number;
  value: number | null;
  how: "click" | "hover";
}

/** One JSON object, or null for anything else: a malformed message must not end the view. */
export function parseObject(data: unknown): Record<string, unknown> | null {
  if (typeof data !== "string") return null;
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

export function parseWarning(message: Record<string, unknown>): SessionWarning {
  const at = textOf(message.at);
  const left = typeof message.seconds === "number" ? message.seconds : (Date.parse(at) - Date.now()) / 1000;
  const seconds = Number.isFinite(left) ? Math.max(0, left) : 0;
  return { reason: textOf(message.reason), at, hint: textOf(message.hint), seconds };
}

export function textOf(value: unknown, fallback = ""): string {
  return typeof value === "string" && value !== "" ? value : fallback;
}
