// My sessions: what they show, how they are, back to them, end them, start another.
import { api, ask, element, page, repeat, say } from "./common.js";

const list = document.getElementById("sessions");
const live = new Set(["RUNNING", "DISCONNECTED"]);

async function show() {
  const { sessions } = await ask("GET", "sessions");
  document.getElementById("none").hidden = sessions.length > 0;
  list.replaceChildren(...sessions.map(card));
}

function card(session) {
  const name = session.name || `Session of ${new Date(session.created).toLocaleString()}`;
  const where = live.has(session.state) ? "stream" : "wait";
  const picture = live.has(session.state)
    ? element("img", { src: `${api}sessions/${session.id}/thumbnail`, alt: "", width: 256, height: 144 })
    : element("div", { class: "no-picture" });
  return element(
    "li",
    {},
    picture,
    element("h2", {}, name),
    element("p", { class: "state" }, session.state.toLowerCase(), session.reason ? `: ${session.reason}` : ""),
    element("p", {},
      element("a", { href: `${page.baseUrl}openspace/${where}/${session.id}` }, "Rejoin"), " ",
      element("button", { "aria-label": `Terminate ${name}`, onclick: () => terminate(session.id) }, "Terminate"),
    ),
  );
}

async function terminate(id) {
  try {
    await ask("DELETE", `sessions/${id}`);
    await show();
  } catch (problem) {
    say(problem.message);
  }
}

document.getElementById("start").addEventListener("click", async (event) => {
  event.target.disabled = true;
  try {
    const session = await ask("POST", "sessions", { queue: true });
    location.assign(`${page.baseUrl}openspace/wait/${session.id}`);
  } catch (problem) {
    say(problem.message);
    event.target.disabled = false;
  }
});

repeat(show, 5000);
