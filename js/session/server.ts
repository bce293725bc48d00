/** Client of the Jupyter server's REST interface and WebSockets. Cookies authenticate it: no token in any URL. */

import type { TransportName } from "../transport/transports.ts";

const API = "openspace/api/v1/";

export interface Server {
  /** Absolute, with a slash at the end. */
  readonly baseUrl: string;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  socket(path: string): WebSocket;
  /** The transports it can serve, best first; undefined for all that the browser supports. */
  readonly transports?: readonly TransportName[];
}

/** The absolute address of `path` in the REST interface. */
export function apiUrl({ baseUrl }: Server, path: string): string {
  return baseUrl + API + path;
}

/** The page's own server, the one named by `baseUrl`, or null where there is none (VS Code, Colab, saved HTML). */
export function findServer(baseUrl = ""): Server | null {
  const named = baseUrl || pageBaseUrl();
  if (named === null || !/^https?:$/.test(location.protocol)) return null;
  try {
    const url = new URL(named.endsWith("/") ? named : `${named}/`, location.origin);
    return /^https?:$/.test(url.protocol) ? new JupyterServer(url) : null;
  } catch {
    return null;
  }
}

class JupyterServer implements Server {
  readonly baseUrl: string;

  constructor(url: URL) {
    this.baseUrl = url.href;
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const [token, ...others] = xsrfTokens(document.cookie);
    let response = await this.#fetch(path, init, token);
    for (const other of others) {
      if (response.status !== 403) break;
      response = await this.#fetch(path, init, other);
    }
    return response;
  }

  #fetch(path: string, init: RequestInit, token: string | undefined): Promise<Response> {
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set("X-XSRFToken", token);
    return fetch(apiUrl(this, path), { credentials: "same-origin", cache: "no-store", ...init, headers });
  }

  socket(path: string): WebSocket {
    return new WebSocket(apiUrl(this, path).replace(/^http/, "ws"));
  }
}

function pageBaseUrl(): string | null {
  const element = document.getElementById("jupyter-config-data");
  if (element?.textContent) {
    try {
      const config: unknown = JSON.parse(element.textContent);
      const value = (config as { baseUrl?: unknown }).baseUrl;
      if (typeof value === "string" && value !== "") return value;
    } catch {
      // As if the page had no configuration.
    }
  }
  return document.body?.dataset.baseUrl ?? null;
}

/**
 * The values of the `_xsrf` cookies in the order to try them. A page may see several, one per path. Tornado takes the
 * last, JupyterHub the first that it signed itself, so the last goes first and the others follow where that is refused.
 */
export function xsrfTokens(cookies: string): string[] {
  const values = [...cookies.matchAll(/(?:^|;)\s*_xsrf=([^;]*)/g)].map(([, value]) => value!.trim());
  return [...new Set(values.reverse())];
}
