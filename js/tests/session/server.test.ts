import { afterEach, expect, test, vi } from "vitest";
import { findServer, xsrfToken } from "../../session/server.ts";

afterEach(() => {
  document.body.innerHTML = "";
  vi.unstubAllGlobals();
});

function config(value: object): void {
  const script = document.createElement("script");
  script.id = "jupyter-config-data";
  script.type = "application/json";
  script.textContent = JSON.stringify(value);
  document.body.append(script);
}

test("the last _xsrf cookie counts", () => {
  expect(xsrfToken("a=1; _xsrf=outer; b=2; _xsrf=inner%7C1")).toBe("inner|1");
  expect(xsrfToken("my_xsrf=no; a=1")).toBeNull();
  expect(xsrfToken("")).toBeNull();
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
  // biome-ignore lint/suspicious/noDocumentCookie: this is what is under test
  document.cookie = "_xsrf=mine";
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
