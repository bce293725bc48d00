/** Share links of a session, for its owner; `jupyter/rest-api.yaml` describes them. */

import { type Role, textOf } from "../protocol/messages.ts";
import { requestJson } from "./rest.ts";
import type { Server } from "./server.ts";

export interface Share {
  id: string;
  role: Role;
  created: string;
  expires: string;
}

export interface Shares {
  list(): Promise<Share[]>;
  /** The address of a new link. */
  create(role: Role, hours: number): Promise<string>;
  revoke(id: string): Promise<void>;
}

/** The share links of session `id`; each call throws an Error with the server's message. */
export function sharesOf(server: Server, id: string): Shares {
  const path = `sessions/${encodeURIComponent(id)}/shares`;
  return {
    list: async () => (await requestJson<{ shares: Share[] }>(server, "GET", path)).shares,
    create: async (role, hours) => {
      const share = await requestJson(server, "POST", path, { role, hours });
      return new URL(textOf(share.path), server.baseUrl).href;
    },
    revoke: async (share) => void (await requestJson(server, "DELETE", `${path}/${encodeURIComponent(share)}`)),
  };
}
