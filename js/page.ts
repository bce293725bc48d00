/** The stand-alone page's entry: one view that fills the window. */

import { findServer } from "./connection/server.ts";
import { View } from "./view/view.ts";

interface PageData {
  baseUrl: string;
  session: string;
}

const data = JSON.parse(document.getElementById("openspace-page")?.textContent ?? "{}") as Partial<PageData>;
const life = new AbortController();
const view = new View(
  { server: findServer(data.baseUrl ?? ""), fill: true, hint: "Start a new session from a notebook." },
  life.signal,
);
(document.getElementById("openspace-view") ?? document.body).append(view.root);
view.attached();
view.setSession(data.session ?? "");
