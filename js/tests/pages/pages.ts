/** One of the small pages, as `jupyter/pages.py` writes it, with a server that answers from a table. */

import { vi } from "vitest";

export interface Request {
  method: string;
  path: string;
  body: unknown;
}

type Reply = object | { status: number; message: string };

export interface OpenPage {
  readonly requests: Request[];
  readonly replace: ReturnType<typeof vi.fn>;
  readonly assign: ReturnType<typeof vi.fn>;
}

const API = "/user/ada/openspace/api/v1/";

/** Loads `script` into a page of this body; `replies` by method and path. */
export async function openPage(
  script: "home" | "wait" | "admin" | "door",
  body: string,
  data: object,
  replies: Record<string, Reply> = {},
): Promise<OpenPage> {
  document.body.innerHTML = `<p id="notice"></p>${body}<script id="openspace-page" type="application/json"></script>`;
  document.getElementById("openspace-page")!.textContent = JSON.stringify({ baseUrl: "/user/ada/", ...data });
  const requests: Request[] = [];
  vi.stubGlobal("fetch", async (url: string, { method = "GET", body: sent }: RequestInit) => {
    const path = new URL(url).pathname.replace(API, "");
    requests.push({ method, path, body: sent === undefined ? null : JSON.parse(String(sent)) });
    const reply = replies[`${method} ${path}`] ?? { status: 404, message: "no such thing" };
    const status = "status" in reply ? reply.status : 200;
    return new Response(status === 204 ? null : JSON.stringify(reply), { status });
  });
  const replace = vi.spyOn(location, "replace").mockImplementation(() => {});
  const assign = vi.spyOn(location, "assign").mockImplementation(() => {});
  vi.resetModules();
  await import(`../../pages/${script}.ts`);
  await settle();
  return { requests, replace: replace as never, assign: assign as never };
}

/** Lets requests under way end. */
export async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

export const notice = () => document.getElementById("notice")?.textContent;

export function button(label: string): HTMLButtonElement {
  const found = document.querySelector<HTMLButtonElement>(`button[aria-label="${label}"], button#${label}`);
  if (found === null) throw new Error(`no button "${label}"`);
  return found;
}
