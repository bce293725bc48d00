// All hosts and all sessions, for administrators.
import { ask, badge, element, repeat, say, whenNew } from "./common.js";

const drawHosts = whenNew((hosts) => {
  fill(
    "hosts",
    "No render host yet: one on this machine starts with the first session.",
    hosts.map((host) => {
      const name = nameOf(host);
      const state = host.drain && host.state === "ready" ? "draining" : host.state;
      const act = () => ask("PATCH", `hosts/${host.id}`, { drain: !host.drain });
      return row(
        [name, host.kind, host.region, host.graphics_card, badge(state), `${host.busy + host.occupied} of ${host.slots}`],
        host.reason,
        button(host.drain ? "Use again" : "Drain", name, act),
      );
    }),
  );
});

const drawSessions = whenNew(({ sessions, names }) => {
  fill(
    "sessions",
    "Nobody has a session.",
    sessions.map((session) => {
      const name = session.name || "Without a name";
      const act = async () => {
        if (confirm(`End "${name}" of ${session.owner}?`)) await ask("DELETE", `all-sessions/${session.id}`);
      };
      return row(
        [name, session.owner, session.engine, badge(session.state), names[session.host] ?? ""],
        session.reason,
        button("End", name, act, "danger"),
      );
    }),
  );
});

async function show() {
  const [{ hosts }, { sessions }] = await Promise.all([ask("GET", "hosts"), ask("GET", "all-sessions")]);
  const names = Object.fromEntries(hosts.map((host) => [host.id, nameOf(host)]));
  drawHosts(hosts);
  drawSessions({ sessions, names });
}

function nameOf(host) {
  return host.name || (host.kind === "local" ? "This machine" : host.id.slice(0, 8));
}

function fill(id, empty, rows) {
  const columns = document.querySelectorAll(`#${id}-table th`).length;
  const nothing = element("tr", {}, element("td", { class: "quiet", colspan: columns }, empty));
  document.getElementById(id).replaceChildren(...(rows.length > 0 ? rows : [nothing]));
}

function row(cells, reason, action) {
  return element(
    "tr",
    {},
    ...cells.map((cell) => element("td", {}, cell ?? "")),
    element("td", { class: reason ? "wide quiet" : "" }, reason ?? ""),
    element("td", {}, action),
  );
}

function button(label, name, action, kind = "") {
  const act = () =>
    action()
      .then(() => say(""))
      .then(show)
      .catch((problem) => say(problem.message));
  return element("button", { class: kind, "aria-label": `${label} ${name}`, onclick: act }, label);
}

repeat(show, 5000);
