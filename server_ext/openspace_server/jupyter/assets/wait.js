// Until the session runs: what is happening, and then on to the view.
import { api, page, say } from "./common.js";

const words = {
  REQUESTED: "Waiting for a free place",
  RESERVED: "A place is reserved",
  STARTING: "Starting",
  STOPPING: "Stopping",
  STOPPED: "The session has ended",
  FAILED: "The session has failed",
  LOST: "The session is lost",
};

function listen() {
  const socket = new WebSocket(`${api.replace(/^/, location.origin).replace(/^http/, "ws")}sessions/${page.session}/events`);
  let over = false;
  socket.addEventListener("message", (event) => {
    const news = JSON.parse(event.data);
    if (news.type !== "session") return;
    over = ["STOPPED", "FAILED", "LOST"].includes(news.state);
    if (["RUNNING", "DISCONNECTED"].includes(news.state)) {
      over = true;
      location.replace(`${page.baseUrl}openspace/stream/${page.session}`);
    }
    const place = news.place === undefined ? "" : `; ${news.place} before you`;
    say(`${words[news.state] ?? "Running"}${place}${news.reason ? `: ${news.reason}` : ""}`);
    document.title = `${words[news.state] ?? "Running"} – OpenSpace`;
  });
  socket.addEventListener("close", () => {
    if (!over) setTimeout(listen, 2000);
  });
}

listen();
