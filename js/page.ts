/** The stream page's entry: one view that fills the window. */

import { pageServer, readPageData } from "./pages/page.ts";
import { enterByLink } from "./session/shareLink.ts";
import { View } from "./view/view.ts";

const page = readPageData();
const server = pageServer(page);
const enter = () => void enterByLink(server, page.session, page.guest);
enter();
addEventListener("hashchange", enter);
const life = new AbortController();
const view = new View(
  {
    server,
    fillsContainer: true,
    hint: page.guest ? "" : "Start a new one from the page of your sessions, or in a notebook.",
  },
  life.signal,
);
document.getElementById("openspace-view")?.append(view.root);
view.attached();
view.setSession(page.session, page.running);
