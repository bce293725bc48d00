import { afterEach, expect, test, vi } from "vitest";
import { findServer, xsrfTokens } from "../../session/server.ts";
import { cookies } from "../wire.ts";

afterEach(() => {
  document.body.innerHTML = "";
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function config(value: object): void {
  const script = document.createElement("script");
  script.id = "jupyter-config-data";
  script.type = "application/json";
  script.textContent = JSON.stringify(value);
  document.body.append(script);
}

const setCookies = (cookies: string) => vi.spyOn(document, "cookie", "get").mockReturnValue(cookies);

test("of several _xsrf cookies the last goes first, as Tornado reads them", () => {
  expect(xsrfTokens(cookies.header)).toEqual([cookies.xsrf, "first"]);
  expect(xsrfTokens("_xsrf=same; _xsrf=same")).toEqual(["same"]);
  expect(xsrfTokens("my_xsrf=no; a=1")).toEqual([]);
  expect(xsrfTokens("")).toEqual([]);
});

test.each([
  ["Tornado", "last", ["last"]],
  ["JupyterHub", "first", ["last", "first"]],
])("%s takes the %s of two _xsrf cookies, and gets it", async (_, taken, sent) => {
  setCookies("_xsrf=first; _xsrf=last");
  const tokens: (string | null)[] = [];
  vi.stubGlobal("fetch", async (_url: string, { headers }: { headers: Headers }) => {
    tokens.push(headers.get("X-XSRFToken"));
    return new Response("{}", { status: tokens.at(-1) === taken ? 201 : 403 });
  });
  const response = await findServer("/")!.fetch("sessions", { method: "POST", body: "{}" });
  expect(response.status).toBe(201);
  expect(tokens).toEqual(sent);
});

test("without page configuration and base URL there is no server", () => {
  expect(findServer()).toBeNull();
  expect(findServer("vscode-webview://x")).toBeNull();
});

test("the base URL is the page's, or the one given", () => {
  config({ baseUrl: "/user/a%40b/", token: "secret" });
  expect(findServer()?.baseUrl).toBe(`${location.origin}/user/a%40b/`);
  expect(findServer("/other")?.baseUrl).toBe(`${location.origin}/other/`);
});

test("REST goes below the base URL with the XSRF header; sockets carry no token", async () => {
  config({ baseUrl: "/user/alice/", token: "secret" });
  setCookies("_xsrf=mine");
  const asked = vi.fn(async (..._args: unknown[]) => new Response("{}"));
  const opened: string[] = [];
  vi.stubGlobal("fetch", asked);
  vi.stubGlobal(
    "WebSocket",
    class {
      constructor(url: string) {
        opened.push(url);
      }
    },
  );
  const server = findServer()!;
  await server.fetch("sessions/x");
  const [url, init] = asked.mock.calls[0] as [string, RequestInit];
  expect(url).toBe(`${location.origin}/user/alice/openspace/api/v1/sessions/x`);
  expect((init.headers as Headers).get("X-XSRFToken")).toBe("mine");
  server.socket("sessions/x/events");
  expect(opened).toEqual([`${location.origin.replace("http", "ws")}/user/alice/openspace/api/v1/sessions/x/events`]);
});
