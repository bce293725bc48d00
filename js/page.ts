/** The stand-alone page's entry: one view that fills the window. */

import { enterByLink } from "./session/shareLink.ts";
import { findServer } from "./session/server.ts";
import { View } from "./view/view.ts";

interface PageData {
  baseUrl: string;
  session: string;
  running: boolean;
  /** Here by a link. */
  guest: boolean;
}

const data = JSON.parse(document.getElementById("openspace-page")?.textContent ?? "{}") as Partial<PageData>;
const server = findServer(data.baseUrl ?? "");
const enter = () => void enterByLink(server, data.session ?? "", data.guest === true);
enter();
addEventListener("hashchange", enter);
const life = new AbortController();
const view = new View(
  {
    server,
    fill: true,
    hint: data.guest ? "" : "Start a new one from the page of your sessions, or in a notebook.",
  },
  life.signal,
);
(document.getElementById("openspace-view") ?? document.body).append(view.root);
view.attached();
view.setSession(data.session ?? "", data.running === true);
