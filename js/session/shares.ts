/** The links to a session, for its owner; `jupyter/rest-api.yaml` describes them. */

import { type Role, parseObject, textOf } from "../protocol/messages.ts";
import type { Server } from "./server.ts";

export interface Share {
  id: string;
  role: Role;
  created: string;
  expires: string;
}

export interface Shares {
  list(): Promise<Share[]>;
  /** A new link, as others can use it. */
  make(role: Role, hours: number): Promise<string>;
  revoke(id: string): Promise<void>;
}

/** Of the session `id`; each call throws an Error with the server's words. */
export function sharesOf(server: Server, id: string): Shares {
  const path = `sessions/${encodeURIComponent(id)}/shares`;
  const ask = async (method: string, below = "", body?: object) => {
    const init: RequestInit = { method, headers: { "Content-Type": "application/json" } };
    if (body) init.body = JSON.stringify(body);
    const response = await server.fetch(path + below, init);
    const told = parseObject(await response.text());
    if (!response.ok) throw new Error(textOf(told?.message, `the Jupyter server answered ${response.status}`));
    return told ?? {};
  };
  return {
    list: async () => (await ask("GET")).shares as Share[],
    make: async (role, hours) => {
      const told = await ask("POST", "", { role, hours });
      return new URL(textOf(told.path), server.baseUrl).href;
    },
    revoke: async (share) => void (await ask("DELETE", `/${encodeURIComponent(share)}`)),
  };
}
