// All hosts and all sessions, for administrators.
import { ask, element, repeat, say } from "./common.js";

async function show() {
  const [{ hosts }, { sessions }] = await Promise.all([ask("GET", "hosts"), ask("GET", "all-sessions")]);
  document.getElementById("hosts").replaceChildren(
    ...hosts.map((host) =>
      row(
        [host.name || host.id.slice(0, 8), host.kind, host.region, host.graphics_card, host.state,
          `${host.busy + host.occupied} of ${host.slots}`, host.reason],
        host.drain ? "Use again" : "Drain",
        () => ask("PATCH", `hosts/${host.id}`, { drain: !host.drain }),
      ),
    ),
  );
  document.getElementById("sessions").replaceChildren(
    ...sessions.map((session) =>
      row(
        [session.name || session.id.slice(0, 8), session.owner, session.state, (session.host ?? "").slice(0, 8), session.reason],
        "Terminate",
        () => ask("DELETE", `all-sessions/${session.id}`),
      ),
    ),
  );
}

function row(cells, label, action) {
  const act = () => action().then(show).catch((problem) => say(problem.message));
  const button = element("button", { "aria-label": `${label} ${cells[0]}`, onclick: act }, label);
  return element("tr", {}, ...cells.map((cell) => element("td", {}, String(cell ?? ""))), element("td", {}, button));
}

repeat(show, 5000);
