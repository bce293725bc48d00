// My sessions: what they show, how they are, back to them, end them, start another.
import { api, ask, badge, element, live, page, repeat, say, whenNew } from "./common.js";

const PICTURES_EVERY = 15_000;
const list = document.getElementById("sessions");
const none = document.getElementById("none");

const draw = whenNew((sessions) => {
  none.hidden = sessions.length > 0;
  list.replaceChildren(...sessions.map(card));
});

async function show() {
  draw((await ask("GET", "sessions")).sessions);
}

function card(session) {
  const name = session.name || "Without a name";
  const href = `${page.baseUrl}openspace/${live(session) ? "stream" : "wait"}/${session.id}`;
  const picture = live(session)
    ? element("img", { src: thumbnail(session.id), alt: "", width: 480, height: 270, "data-session": session.id })
    : "No picture yet";
  return element(
    "li",
    {},
    element("a", { class: "picture", href, tabindex: -1, "aria-hidden": "true" }, picture),
    element(
      "div",
      { class: "about" },
      element("h2", {}, name),
      element("p", {}, badge(session.state)),
      session.reason ? element("p", { class: "quiet" }, session.reason) : "",
      element("p", { class: "quiet" }, `${session.engine}, since ${new Date(session.created).toLocaleString()}`),
      element(
        "p",
        { class: "actions" },
        element("a", { class: "button primary", href, "aria-label": `Rejoin ${name}` }, "Rejoin"),
        element("button", { class: "danger", "aria-label": `End ${name}`, onclick: () => end(session.id, name) }, "End"),
      ),
    ),
  );
}

function thumbnail(id) {
  return `${api}sessions/${id}/thumbnail?${Date.now()}`;
}

/** The new picture takes the old one's place once it is there. */
function refresh() {
  if (document.hidden) return;
  for (const shown of list.querySelectorAll("img")) {
    const next = new Image();
    next.onload = () => {
      shown.src = next.src;
    };
    next.src = thumbnail(shown.dataset.session);
  }
}

async function end(id, name) {
  if (!confirm(`End "${name}"? What it shows is lost.`)) return;
  try {
    await ask("DELETE", `sessions/${id}`);
    say("");
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

// Back by the browser's button, the page may be shown as it was left.
addEventListener("pageshow", () => {
  document.getElementById("start").disabled = false;
});

repeat(show, 5000);
setInterval(refresh, PICTURES_EVERY);
