/** The bar's buttons for asking for control, giving and taking it. */

import { actionsOf, type SteeringAction, type Steering } from "../session/steering.ts";
import { make } from "../util/dom.ts";

export class ControlButtons {
  readonly root = make("div", { class: "osw-group osw-control", role: "group", "aria-label": "Control", hidden: true });
  readonly #act: (action: SteeringAction) => void;
  #shown = "";

  constructor(act: (action: SteeringAction) => void) {
    this.#act = act;
  }

  /** Null while nothing is known. */
  show(standing: Steering | null): void {
    const actions = standing ? actionsOf(standing) : [];
    const shown = JSON.stringify(actions);
    if (shown === this.#shown) return; // a button must not vanish under a finger
    this.#shown = shown;
    this.root.hidden = actions.length === 0;
    this.root.replaceChildren(
      ...actions.map((action) => {
        const button = make("button", { class: "osw-button osw-wide osw-ask", type: "button" }, action.label);
        button.addEventListener("click", () => this.#act(action));
        return button;
      }),
    );
  }
}
