/** The administrators' page: all render hosts and all sessions. */

import type { SessionInfo } from "../protocol/messages.ts";
import { requestJson } from "../session/rest.ts";
import { make } from "../util/dom.ts";
import { hostBadge, sessionBadge } from "./badge.ts";
import { actionButton, byId, onChange, pageServer, poll, readPageData, showNotice } from "./page.ts";

interface HostInfo {
  id: string;
  name: string;
  kind: string;
  region: string;
  graphics_card: string;
  state: string;
  reason: string;
  drain: boolean;
  slots: number;
  /** Slots with sessions of this orchestrator. */
  busy: number;
  /** Slots that others use. */
  occupied: number;
}

interface OwnedSession extends SessionInfo {
  owner: string;
  /** Id of its render host; null while it has none. */
  host: string | null;
}

type Cell = string | HTMLElement;

const REFRESH_EVERY = 5000;

const server = pageServer(readPageData());

const renderHosts = onChange((hosts: HostInfo[]) => {
  fill(
    "hosts",
    "No render host yet: one on this machine starts with the first session.",
    hosts.map((host) => {
      const name = nameOf(host);
      const badge = hostBadge(host.drain && host.state === "ready" ? "draining" : host.state);
      const used = `${host.busy + host.occupied} of ${host.slots}`;
      return row(
        [name, host.kind, host.region, host.graphics_card, badge, used],
        host.reason,
        action(host.drain ? "Use again" : "Drain", name, "", async () => {
          await requestJson(server, "PATCH", `hosts/${host.id}`, { drain: !host.drain });
        }),
      );
    }),
  );
});

const renderSessions = onChange(({ sessions, names }: { sessions: OwnedSession[]; names: Record<string, string> }) => {
  fill(
    "sessions",
    "There are no sessions.",
    sessions.map((session) => {
      const name = session.name || "Without a name";
      return row(
        [name, session.owner, session.engine, sessionBadge(session.state), names[session.host ?? ""] ?? ""],
        session.reason,
        action("End", name, "danger", async () => {
          if (confirm(`End "${name}" of ${session.owner}?`))
            await requestJson(server, "DELETE", `all-sessions/${session.id}`);
        }),
      );
    }),
  );
});

async function refresh(): Promise<void> {
  const [{ hosts }, { sessions }] = await Promise.all([
    requestJson<{ hosts: HostInfo[] }>(server, "GET", "hosts"),
    requestJson<{ sessions: OwnedSession[] }>(server, "GET", "all-sessions"),
  ]);
  const names = Object.fromEntries(hosts.map((host) => [host.id, nameOf(host)]));
  renderHosts(hosts);
  renderSessions({ sessions, names });
}

function nameOf(host: HostInfo): string {
  return host.name || (host.kind === "local" ? "This machine" : host.id.slice(0, 8));
}

function fill(id: string, empty: string, rows: HTMLElement[]): void {
  const columns = document.querySelectorAll(`#${id}-table th`).length;
  const placeholder = make("tr", {}, make("td", { class: "quiet", colspan: columns }, empty));
  byId(id).replaceChildren(...(rows.length > 0 ? rows : [placeholder]));
}

function row(cells: (Cell | null)[], reason: string, button: HTMLElement): HTMLElement {
  return make(
    "tr",
    {},
    ...cells.map((cell) => make("td", {}, cell)),
    make("td", { class: reason ? "wide quiet" : "" }, reason),
    make("td", {}, button),
  );
}

function action(text: string, name: string, kind: string, act: () => Promise<void>): HTMLElement {
  return actionButton(text, `${text} ${name}`, kind, async () => {
    await act();
    showNotice("");
    await refresh();
  });
}

poll(refresh, REFRESH_EVERY);
