/** The notebook widget's entry: an anywidget; each of its views is a viewer of the model's session. */

import type { Phase } from "./session/phase.ts";
import { CommServer } from "./session/kernelServer.ts";
import { findServer } from "./session/server.ts";
import { View } from "./view/view.ts";

/** Traits that the Python side (`openspace_widget/view/widget.py`) sets. */
interface Traits {
  session: string;
  session_name: string;
  state: "starting" | "running" | "closed" | "failed";
  reason: string;
  base_url: string;
  width_css: number | null;
  aspect: number;
  still: string;
}

interface Model {
  get<Name extends keyof Traits>(name: Name): Traits[Name];
  on(event: string, listener: (...args: never[]) => void): void;
  off(event: string, listener: (...args: never[]) => void): void;
  send(content: unknown): void;
}

interface RenderContext {
  model: Model;
  el: HTMLElement;
  /** Since anywidget 0.11; older hosts only call the returned function. */
  signal?: AbortSignal;
}

const HINT = "Run the cell again to start a new one.";

/** The end of the session as the kernel knows it; null before it, while the server's messages decide. */
function finalPhase(model: Model): Phase | null {
  const state = model.get("state");
  const reason = model.get("reason");
  if (state === "failed") return { name: "failed", reason: reason || "the session did not start" };
  return state === "closed" ? { name: "ended", reason } : null;
}

function render({ model, el, signal }: RenderContext): () => void {
  const life = new AbortController();
  signal?.addEventListener("abort", () => life.abort(), { once: true, signal: life.signal });
  const server = findServer(model.get("base_url"));
  const throughKernel = new CommServer(model, life.signal);
  const view = new View({ server, throughKernel, fillsContainer: false, hint: HINT }, life.signal);
  const updates: [(keyof Traits)[], () => void][] = [
    [["still"], () => view.setStill(model.get("still"))],
    [["aspect"], () => view.setAspect(model.get("aspect"))],
    [["width_css"], () => view.setWidth(model.get("width_css"))],
    [["state", "reason"], () => view.setFinalPhase(finalPhase(model))],
    // A closed session is not joined, but a new one after it is.
    [
      ["session", "state"],
      () => view.setSession(finalPhase(model) ? "" : model.get("session"), model.get("state") === "running"),
    ],
  ];
  for (const [names, update] of updates) {
    update();
    for (const name of names) {
      model.on(`change:${name}`, update);
      life.signal.addEventListener("abort", () => model.off(`change:${name}`, update), { once: true });
    }
  }
  el.append(view.root);
  view.attached();
  return () => life.abort();
}

export default { initialize() {}, render };
