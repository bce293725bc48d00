/** Texts of the status chip in each phase: what happens, why, and what to do. */

import type { Phase } from "../session/phase.ts";
import { displayName, type Steering } from "../session/steering.ts";
import type { Status } from "./chip.ts";
import { type Expiry, timeLeft } from "./expiry.ts";

export interface StatusInput {
  phase: Phase;
  /** Null while it is not known who steers. */
  steering: Steering | null;
  /** Shown under "ended" and "failed": what the user can do here. */
  hint: string;
  /** A passing remark, such as a refused request. */
  remark: string;
  /** Null unless the session is about to end. */
  expiry: Expiry | null;
}

export const NO_SERVER: Status = {
  tone: "quiet",
  title: "No live view here",
  detail: "The live view needs its kernel to be running. Frames and recordings work from Python.",
};

export function statusOf({ phase, steering, hint, remark, expiry }: StatusInput): Status | null {
  switch (phase.name) {
    case "starting":
      return { tone: "busy", title: "Starting", detail: sentence(phase.reason) };
    case "connecting":
      return { tone: "busy", title: "Connecting" };
    case "reconnecting":
      return { tone: "warning", title: "Reconnecting", detail: sentence(phase.reason) };
    case "ended":
      return { tone: "quiet", title: "Session closed", detail: join(sentence(phase.reason), hint) };
    case "failed":
      return { tone: "error", title: "Failed", detail: join(sentence(phase.reason), hint) };
    case "live":
      if (remark) return { tone: "warning", title: sentence(remark) };
      if (expiry) return expiryStatus(expiry);
      return steering && steeringStatus(steering);
  }
}

function expiryStatus({ reason, hint, secondsLeft }: Expiry): Status {
  const title = `Session ends ${timeLeft(secondsLeft)}`;
  return { tone: "warning", title, detail: join(sentence(reason), sentence(hint)) };
}

function steeringStatus({ isSteering, hasRequested, controller, requests }: Steering): Status | null {
  const [first] = requests;
  if (first !== undefined) {
    const others = requests.length > 1 ? ` and ${requests.length - 1} more` : "";
    return { tone: "quiet", title: sentence(`${displayName(first)}${others} would like to steer`) };
  }
  if (isSteering) return null;
  const steers = sentence(controller === "" ? "no viewer steers" : `${controller} steers`);
  return {
    tone: "quiet",
    title: "Viewer only",
    detail: join(steers, hasRequested ? "You have asked for control." : ""),
  };
}

function sentence(reason: string): string {
  const text = reason.trim();
  if (text === "" || text === "session closed") return "";
  const capital = text[0]!.toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}

function join(...parts: string[]): string {
  return parts.filter((part) => part !== "").join(" ");
}
