/** Badges for the states of sessions and render hosts. */

import { sessionState } from "../protocol/sessionStates.ts";
import { make } from "../util/dom.ts";

const SESSION_TONES = { starting: "busy", running: "good", ended: "off", failed: "bad" } as const;

const HOST_STATES: Record<string, [tone: string, label: string]> = {
  joining: ["busy", "Joining"],
  ready: ["good", "Ready"],
  draining: ["busy", "Draining"],
  lost: ["bad", "Lost"],
  gone: ["off", "Gone"],
};

/** A session's state for people; as it is where it is unknown. */
export function sessionLabel(state: string): string {
  return sessionState(state)?.label ?? state;
}

export function sessionBadge(state: string): HTMLElement {
  const known = sessionState(state);
  return badge(known ? SESSION_TONES[known.kind] : "off", sessionLabel(state));
}

export function hostBadge(state: string): HTMLElement {
  const [tone, label] = HOST_STATES[state] ?? ["off", state];
  return badge(tone, label);
}

function badge(tone: string, label: string): HTMLElement {
  return make("span", { class: `state ${tone}` }, label);
}
