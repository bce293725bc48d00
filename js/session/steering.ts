/** Steering from one viewer's side: who may move the camera, and what this viewer can do about it. */

import type { ControlUpdate, Hello, Verb } from "../protocol/messages.ts";

/** The instance decides (`SteeringControl`); this is how it looks from here. */
export interface Steering {
  readonly isSteering: boolean;
  readonly isOwner: boolean;
  /** This viewer has requested control. */
  readonly hasRequested: boolean;
  /** The steering side, for people; "" while no viewer steers. */
  readonly controller: string;
  /** Names of the viewers whose request this viewer can grant. */
  readonly requests: readonly string[];
}

/** An older instance sends no `controller`: then the role decides. */
export function steeringOf(me: Hello, update: Partial<ControlUpdate>): Steering {
  const { controller = null, requests = [] } = update;
  const isOwner = me.owner === true;
  const isSteering =
    update.controller === undefined
      ? (me.steers ?? me.role === "controller")
      : controller !== null && (controller.owner ? isOwner : controller.viewer === me.viewer);
  return {
    isSteering,
    isOwner,
    hasRequested: requests.includes(me.viewer),
    controller: controller === null ? "" : controller.owner ? "the owner" : displayName(controller.viewer ?? ""),
    requests: isSteering || isOwner ? requests.filter((name) => name !== me.viewer) : [],
  };
}

/** Shortens names that the server generated. */
export function displayName(viewer: string): string {
  const generated = /^(?:signaling|media|bulk|viewer)-[0-9a-f-]{32,36}(-\d+)?$/.exec(viewer);
  return generated ? `viewer ${viewer.replace(/-\d+$/, "").slice(-4)}` : viewer || "a viewer";
}

export interface SteeringAction {
  readonly label: string;
  readonly verb: Verb;
  readonly args: Record<string, unknown>;
}

/** The buttons to offer, in order; none for an owner who steers while there are no requests. */
export function actionsOf(steering: Steering): SteeringAction[] {
  const { isSteering, isOwner, hasRequested, requests } = steering;
  const actions: SteeringAction[] = requests.map((viewer) => ({
    label: `Give control to ${displayName(viewer)}`,
    verb: "give_control",
    args: { viewer },
  }));
  if (isOwner && !isSteering) actions.push({ label: "Take control", verb: "take_control", args: {} });
  else if (!isSteering && hasRequested) actions.push({ label: "Withdraw request", verb: "release_control", args: {} });
  else if (!isSteering) actions.push({ label: "Request control", verb: "request_control", args: {} });
  else if (!isOwner) actions.push({ label: "Release control", verb: "release_control", args: {} });
  return actions;
}
