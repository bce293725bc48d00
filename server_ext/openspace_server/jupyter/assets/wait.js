// Until the session runs: what is happening, and then on to the view.
import { api, ask, live, page, say, words } from "./common.js";

const ENDED = ["STOPPED", "FAILED", "LOST"];
const cancel = document.getElementById("cancel");

function listen() {
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}${api}sessions/${page.session}/events`);
  let over = false;
  socket.addEventListener("message", (event) => {
    const news = JSON.parse(event.data);
    if (news.type !== "session") return;
    over = live(news) || ENDED.includes(news.state);
    if (live(news)) location.replace(`${page.baseUrl}openspace/stream/${page.session}`);
    tell(news);
  });
  socket.addEventListener("close", () => {
    if (!over) setTimeout(listen, 2000);
  });
}

function tell(news) {
  const ended = ENDED.includes(news.state);
  const place = news.place === undefined ? "" : `; ${news.place} before you`;
  document.getElementById("title").textContent = ended ? "No session" : "One moment";
  document.getElementById("spinner").hidden = ended;
  cancel.hidden = ended;
  document.title = `${words(news.state)} – OpenSpace`;
  say(`${words(news.state)}${place}${news.reason ? `: ${news.reason}` : ""}`);
}

cancel.addEventListener("click", async () => {
  cancel.disabled = true;
  await ask("DELETE", `sessions/${page.session}`).catch(() => {}); // the home page tells what came of it
  location.assign(`${page.baseUrl}openspace/`);
});

listen();
