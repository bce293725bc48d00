import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SESSION } from "../wire.ts";
import { button, notice, openPage, settle } from "./pages.ts";

const BODY = '<button id="start"></button><p id="none" hidden></p><ul id="sessions"></ul>';
const RUNNING = { ...SESSION, id: "one", name: "night sky" };
const WAITING = { ...SESSION, id: "two", name: "", state: "REQUESTED", reason: "all slots are in use" };
const listed = (...sessions: object[]) => ({ "GET sessions": { sessions } });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("each session has its state in words, a link and a thumbnail if it runs", async () => {
  await openPage("home", BODY, {}, listed(RUNNING, WAITING));
  const [one, two] = document.querySelectorAll("li");
  expect(document.getElementById("none")?.hidden).toBe(true);
  expect(one?.querySelector("h2")?.textContent).toBe("night sky");
  expect(one?.querySelector(".state")?.className).toBe("state good");
  expect(one?.querySelector(".state")?.textContent).toBe("Running");
  expect(one?.querySelector("img")?.src).toMatch(/\/user\/ada\/openspace\/api\/v1\/sessions\/one\/thumbnail\?\d+$/);
  expect(one?.querySelector<HTMLElement>(".primary")?.getAttribute("href")).toBe("/user/ada/openspace/stream/one");
  expect(two?.querySelector("h2")?.textContent).toBe("Without a name");
  expect(two?.querySelector(".state")?.textContent).toBe("Waiting for a free slot");
  expect(two?.querySelector(".thumbnail")?.textContent).toBe("No preview yet");
  expect(two?.querySelector("p.quiet")?.textContent).toBe("all slots are in use");
  expect(two?.querySelector<HTMLElement>(".primary")?.getAttribute("href")).toBe("/user/ada/openspace/wait/two");
});

test("the list is asked for every five seconds, and unchanged cards stay", async () => {
  const { requests } = await openPage("home", BODY, {}, listed(RUNNING));
  const card = document.querySelector("li");
  await vi.advanceTimersByTimeAsync(5000);
  expect(requests).toHaveLength(2);
  expect(document.querySelector("li")).toBe(card);
});

test("a new session leads to the waiting page; a refusal is shown", async () => {
  const replies: Record<string, object> = { ...listed(), "POST sessions": { ...WAITING } };
  const { requests, assign } = await openPage("home", BODY, {}, replies);
  expect(document.getElementById("none")?.hidden).toBe(false);
  button("start").click();
  await settle();
  expect(requests.at(-1)).toEqual({ method: "POST", path: "sessions", body: { queue: true } });
  expect(assign).toHaveBeenCalledExactlyOnceWith("/user/ada/openspace/wait/two");
  replies["POST sessions"] = { status: 429, message: "you have 3 sessions, which is the most" };
  button("start").disabled = false;
  button("start").click();
  await settle();
  expect(notice()).toBe("you have 3 sessions, which is the most");
  expect(button("start").disabled).toBe(false);
});

test("a session is ended after a question", async () => {
  const question = vi.fn(() => false);
  vi.stubGlobal("confirm", question);
  const replies = { ...listed(RUNNING), "DELETE sessions/one": { status: 204, message: "" } };
  const { requests } = await openPage("home", BODY, {}, replies);
  button("End night sky").click();
  await settle();
  expect(question).toHaveBeenCalledExactlyOnceWith('End "night sky"? What it shows is lost.');
  expect(requests).toHaveLength(1);
  question.mockReturnValue(true);
  button("End night sky").click();
  await settle();
  expect(requests.slice(1).map(({ method, path }) => `${method} ${path}`)).toEqual([
    "DELETE sessions/one",
    "GET sessions",
  ]);
});
