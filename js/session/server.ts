/** Where the Jupyter server is, and how the page may speak to it. Cookies are enough: no token goes into a URL. */

import type { Rung } from "../transport/transports.ts";

const API = "openspace/api/v1/";

export interface Server {
  /** Absolute, with a slash at the end. */
  readonly baseUrl: string;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  socket(path: string): WebSocket;
  /** How pictures can come from it, best first; undefined for every way that the browser has. */
  readonly rungs?: readonly Rung[];
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

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    const token = xsrfToken(document.cookie);
    if (token !== null) headers.set("X-XSRFToken", token);
    return fetch(this.baseUrl + API + path, { credentials: "same-origin", cache: "no-store", ...init, headers });
  }

  socket(path: string): WebSocket {
    return new WebSocket(this.baseUrl.replace(/^http/, "ws") + API + path);
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
      // An unreadable page configuration is as good as none.
    }
  }
  return document.body?.dataset.baseUrl ?? null;
}

/** A hub page may carry several `_xsrf` cookies, one per path; like JupyterLab, the last one counts. */
export function xsrfToken(cookies: string): string | null {
  const all = [...cookies.matchAll(/(?:^|;\s*)_xsrf=([^;]*)/g)];
  const value = all.at(-1)?.[1];
  return value === undefined ? null : decodeURIComponent(value);
}
