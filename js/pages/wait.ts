/** The waiting page: shows the state of a session until it runs, then opens its view. */

import { parseObject, type SessionInfo } from "../protocol/messages.ts";
import { isRunning, sessionState } from "../protocol/sessionStates.ts";
import { requestJson } from "../session/rest.ts";
import { sessionLabel } from "./badge.ts";
import { byId, pageServer, pageUrl, readPageData, showNotice } from "./page.ts";

const RECONNECT_AFTER = 2000;

const page = readPageData();
const server = pageServer(page);
const cancel = byId<HTMLButtonElement>("cancel");

function listen(): void {
  const socket = server.socket(`sessions/${page.session}/events`);
  let isOver = false;
  socket.addEventListener("message", (event) => {
    const message = parseObject(event.data);
    if (message?.type !== "session") return;
    const info = message as unknown as SessionInfo;
    isOver = isRunning(info.state) || sessionState(info.state)?.isFinal === true;
    if (isRunning(info.state)) location.replace(pageUrl(page, `stream/${page.session}`));
    show(info);
  });
  socket.addEventListener("close", () => {
    if (!isOver) setTimeout(listen, RECONNECT_AFTER);
  });
}

function show({ state, reason, place }: SessionInfo): void {
  const hasEnded = sessionState(state)?.isFinal === true;
  const label = sessionLabel(state);
  const queue = place === undefined ? "" : `; ${place} before you`;
  byId("title").textContent = hasEnded ? "No session" : "One moment";
  byId("spinner").hidden = hasEnded;
  cancel.hidden = hasEnded;
  document.title = `${label} – OpenSpace`;
  showNotice(`${label}${queue}${reason ? `: ${reason}` : ""}`);
}

cancel.addEventListener("click", async () => {
  cancel.disabled = true;
  // The home page shows what came of it.
  await requestJson(server, "DELETE", `sessions/${page.session}`).catch(() => {});
  location.assign(pageUrl(page));
});

listen();
