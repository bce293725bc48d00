/** The home page: the user's sessions, how to rejoin, end and start them. */

import type { SessionInfo } from "../protocol/messages.ts";
import { isRunning } from "../protocol/sessionStates.ts";
import { requestJson } from "../session/rest.ts";
import { apiUrl } from "../session/server.ts";
import { make } from "../util/dom.ts";
import { sessionBadge } from "./badge.ts";
import {
  actionButton,
  byId,
  onChange,
  pageServer,
  pageUrl,
  poll,
  readPageData,
  showError,
  showNotice,
} from "./page.ts";

const SESSIONS_EVERY = 5000;
const THUMBNAILS_EVERY = 15_000;

const page = readPageData();
const server = pageServer(page);
const list = byId("sessions");
const start = byId<HTMLButtonElement>("start");

const render = onChange((sessions: SessionInfo[]) => {
  byId("none").hidden = sessions.length > 0;
  list.replaceChildren(...sessions.map(card));
});

async function refresh(): Promise<void> {
  render((await requestJson<{ sessions: SessionInfo[] }>(server, "GET", "sessions")).sessions);
}

function card({ id, state, reason, engine, created, ...session }: SessionInfo): HTMLElement {
  const name = session.name || "Without a name";
  const href = pageUrl(page, `${isRunning(state) ? "stream" : "wait"}/${id}`);
  const thumbnail = isRunning(state)
    ? make("img", { src: thumbnailUrl(id), alt: "", width: 480, height: 270, "data-session": id })
    : "No preview yet";
  return make(
    "li",
    {},
    make("a", { class: "thumbnail", href, tabindex: -1, "aria-hidden": "true" }, thumbnail),
    make(
      "div",
      { class: "about" },
      make("h2", {}, name),
      make("p", {}, sessionBadge(state)),
      reason ? make("p", { class: "quiet" }, reason) : null,
      make("p", { class: "quiet" }, `${engine}, since ${new Date(created).toLocaleString()}`),
      make(
        "p",
        { class: "actions" },
        make("a", { class: "button primary", href, "aria-label": `Rejoin ${name}` }, "Rejoin"),
        actionButton("End", `End ${name}`, "danger", () => end(id, name)),
      ),
    ),
  );
}

function thumbnailUrl(id: string): string {
  return apiUrl(server, `sessions/${id}/thumbnail?${Date.now()}`);
}

/** A new thumbnail replaces the old one once it is loaded. */
function refreshThumbnails(): void {
  if (document.hidden) return;
  for (const shown of list.querySelectorAll("img")) {
    const next = new Image();
    next.onload = () => {
      shown.src = next.src;
    };
    next.src = thumbnailUrl(shown.dataset.session ?? "");
  }
}

async function end(id: string, name: string): Promise<void> {
  if (!confirm(`End "${name}"? What it shows is lost.`)) return;
  await requestJson(server, "DELETE", `sessions/${id}`);
  showNotice("");
  await refresh();
}

start.addEventListener("click", async () => {
  start.disabled = true;
  try {
    const session = await requestJson<SessionInfo>(server, "POST", "sessions", { queue: true });
    location.assign(pageUrl(page, `wait/${session.id}`));
  } catch (error) {
    showError(error);
    start.disabled = false;
  }
});

// The browser's back button may show the page as it was left.
addEventListener("pageshow", () => {
  start.disabled = false;
});

poll(refresh, SESSIONS_EVERY);
setInterval(refreshThumbnails, THUMBNAILS_EVERY);
