import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SESSION } from "../wire.ts";
import { button, notice, openPage, settle } from "./pages.ts";

const BODY = ["hosts", "sessions"]
  .map((id) => `<table id="${id}-table"><thead><tr><th></th><th></th></tr></thead><tbody id="${id}"></tbody></table>`)
  .join("");
const HOST = {
  id: "0123456789",
  name: "",
  kind: "local",
  region: null,
  graphics_card: "llvmpipe",
  state: "ready",
  reason: "",
  drain: false,
  slots: 4,
  busy: 1,
  occupied: 2,
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const cells = (id: string) => [...document.querySelectorAll(`#${id} td`)].map(({ textContent }) => textContent);

test("hosts and sessions are listed", async () => {
  const session = { ...SESSION, name: "night sky", owner: "ada", host: HOST.id, state: "DISCONNECTED" };
  await openPage("admin", BODY, {}, { "GET hosts": { hosts: [HOST] }, "GET all-sessions": { sessions: [session] } });
  expect(cells("hosts")).toEqual(["This machine", "local", "", "llvmpipe", "Ready", "3 of 4", "", "Drain"]);
  expect(cells("sessions")).toEqual(["night sky", "ada", "embedded", "Running, no viewers", "This machine", "", "End"]);
});

test("a host is drained, and used again", async () => {
  const replies = {
    "GET hosts": { hosts: [HOST] },
    "GET all-sessions": { sessions: [] },
    [`PATCH hosts/${HOST.id}`]: { status: 204, message: "" },
  };
  const { requests } = await openPage("admin", BODY, {}, replies);
  expect(cells("sessions")).toEqual(["There are no sessions."]);
  replies["GET hosts"] = { hosts: [{ ...HOST, drain: true }] };
  button("Drain This machine").click();
  await settle();
  expect(requests[2]).toEqual({ method: "PATCH", path: `hosts/${HOST.id}`, body: { drain: true } });
  expect(cells("hosts").slice(4)).toEqual(["Draining", "3 of 4", "", "Use again"]);
});

test("a refusal is shown", async () => {
  const refusal = { status: 403, message: "for administrators only (OpenSpaceExtension.admins)" };
  await openPage("admin", BODY, {}, { "GET hosts": refusal, "GET all-sessions": refusal });
  expect(notice()).toBe("for administrators only (OpenSpaceExtension.admins)");
});
