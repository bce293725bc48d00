/** Who steers, as seen from one viewer, and what that viewer may do about it; `instance/roles.py` decides. */

import type { ControlUpdate, Hello, Verb } from "../protocol/messages.ts";

export interface Standing {
  readonly steers: boolean;
  readonly owner: boolean;
  /** This viewer has asked for control. */
  readonly asked: boolean;
  /** For people; "" while nobody steers. */
  readonly holder: string;
  /** Names of those whose wish this viewer can fulfil. */
  readonly requests: readonly string[];
}

/** `news` may be older than control itself: then the role decides. */
export function standingOf(me: Hello, news: Partial<ControlUpdate>): Standing {
  const { controller = null, requests = [] } = news;
  const owner = me.owner === true;
  const steers =
    news.controller === undefined
      ? (me.steers ?? me.role === "controller")
      : controller !== null && (controller.owner ? owner : controller.viewer === me.viewer);
  return {
    steers,
    owner,
    asked: requests.includes(me.viewer),
    holder: controller === null ? "" : controller.owner ? "the owner" : nameOf(controller.viewer ?? ""),
    requests: steers || owner ? requests.filter((name) => name !== me.viewer) : [],
  };
}

/** Names that the server made up say nothing to people. */
export function nameOf(viewer: string): string {
  const made = /^(?:signaling|media|bulk|viewer)-[0-9a-f-]{32,36}(-\d+)?$/.exec(viewer);
  return made ? `viewer ${viewer.replace(/-\d+$/, "").slice(-4)}` : viewer || "somebody";
}

export interface ControlAction {
  readonly label: string;
  readonly verb: Verb;
  readonly args: Record<string, unknown>;
}

/** The buttons to offer, in order; none for an owner who steers with nobody asking. */
export function actionsOf(standing: Standing): ControlAction[] {
  const { steers, owner, asked, requests } = standing;
  const actions: ControlAction[] = requests.map((viewer) => ({
    label: `Give control to ${nameOf(viewer)}`,
    verb: "give_control",
    args: { viewer },
  }));
  if (owner && !steers) actions.push({ label: "Take control", verb: "take_control", args: {} });
  else if (!steers && asked) actions.push({ label: "Withdraw request", verb: "release_control", args: {} });
  else if (!steers) actions.push({ label: "Request control", verb: "request_control", args: {} });
  else if (!owner) actions.push({ label: "Release control", verb: "release_control", args: {} });
  return actions;
}
