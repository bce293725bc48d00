/** The bar's buttons to request, give, take and release control. */

import { actionsOf, type SteeringAction, type Steering } from "../session/steering.ts";
import { make } from "../util/dom.ts";

export class ControlButtons {
  readonly root = make("div", { class: "osw-group osw-control", role: "group", "aria-label": "Control", hidden: true });
  readonly #onAction: (action: SteeringAction) => void;
  #shown = "";

  constructor(onAction: (action: SteeringAction) => void) {
    this.#onAction = onAction;
  }

  /** Null while it is not known who steers. */
  show(steering: Steering | null): void {
    const actions = steering ? actionsOf(steering) : [];
    const shown = JSON.stringify(actions);
    if (shown === this.#shown) return; // a button must not vanish under a finger
    this.#shown = shown;
    this.root.hidden = actions.length === 0;
    this.root.replaceChildren(
      ...actions.map((action) => {
        const button = make("button", { class: "osw-button osw-wide osw-ask", type: "button" }, action.label);
        button.addEventListener("click", () => this.#onAction(action));
        return button;
      }),
    );
  }
}
