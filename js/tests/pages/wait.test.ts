import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeSocket } from "../fakes.ts";
import { SESSION, sessions } from "../wire.ts";
import { button, notice, openPage, settle } from "./pages.ts";

const BODY = '<div id="spinner"></div><h1 id="title"></h1><button id="cancel"></button>';

let sockets: FakeSocket[];

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  vi.stubGlobal(
    "WebSocket",
    class extends FakeSocket {
      constructor(readonly url: string) {
        super();
        sockets.push(this);
      }
    },
  );
});
afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const receive = (more: object) => sockets.at(-1)!.receive(JSON.stringify({ ...SESSION, ...more }));

test("the state is shown in words with the queue position, and a session that runs is opened", async () => {
  const { replace } = await openPage("wait", BODY, { session: "one" });
  receive({ ...sessions.queued_event, reason: "all slots are in use" });
  expect(notice()).toBe("Waiting for a free slot; 2 before you: all slots are in use");
  expect(document.title).toBe("Waiting for a free slot – OpenSpace");
  receive({ state: "STARTING" });
  expect(notice()).toBe("Starting");
  sockets[0]!.receive("no JSON");
  sockets[0]!.receive('{"type": "warning"}');
  expect(notice()).toBe("Starting");
  receive({ state: "RUNNING" });
  expect(replace).toHaveBeenCalledExactlyOnceWith("/user/ada/openspace/stream/one");
});

test("a failed session says why, and offers nothing to cancel", async () => {
  await openPage("wait", BODY, { session: "one" });
  receive({ state: "FAILED", reason: "no OpenGL here" });
  expect(notice()).toBe("Failed: no OpenGL here");
  expect(document.getElementById("title")?.textContent).toBe("No session");
  expect(document.getElementById("spinner")?.hidden).toBe(true);
  expect(button("cancel").hidden).toBe(true);
  sockets[0]!.end(1000);
  await vi.advanceTimersByTimeAsync(5000);
  expect(sockets).toHaveLength(1);
});

test("a lost socket is opened again", async () => {
  await openPage("wait", BODY, { session: "one" });
  sockets[0]!.end(1006);
  await vi.advanceTimersByTimeAsync(2000);
  expect(sockets).toHaveLength(2);
});

test("cancelling ends the session and leads home", async () => {
  const { requests, assign } = await openPage("wait", BODY, { session: "one" });
  button("cancel").click();
  await settle();
  expect(requests).toEqual([{ method: "DELETE", path: "sessions/one", body: null }]);
  expect(assign).toHaveBeenCalledExactlyOnceWith("/user/ada/openspace/");
});
