/** Share links on the stream page: the key leaves the address bar, and may grant the viewer more. */

import { requestJson } from "./rest.ts";
import type { Server } from "./server.ts";

export async function enterByLink(server: Server | null, session: string, guest: boolean): Promise<void> {
  const key = new URLSearchParams(location.hash.slice(1)).get("share");
  if (location.hash || location.search) history.replaceState(null, "", location.pathname);
  if (!key || !guest || server === null) return;
  const entered = requestJson(server, "POST", `sessions/${encodeURIComponent(session)}/enter`, { key });
  await entered.then(
    () => location.reload(),
    () => {},
  );
}
