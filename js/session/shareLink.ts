/** Somebody who may see the session already opened a link: it goes out of the address bar, and may allow more. */

import type { Server } from "./server.ts";

export async function enterByLink(server: Server | null, session: string, guest: boolean): Promise<void> {
  const key = new URLSearchParams(location.hash.slice(1)).get("share");
  if (location.hash || location.search) history.replaceState(null, "", location.pathname);
  if (!key || !guest || server === null) return;
  const body = JSON.stringify({ key });
  const headers = { "Content-Type": "application/json" };
  const init = { method: "POST", headers, body };
  const response = await server.fetch(`sessions/${encodeURIComponent(session)}/enter`, init).catch(() => null);
  if (response?.ok) location.reload();
}
