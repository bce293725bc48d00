import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { notice, openPage } from "./pages.ts";

const HERE = "/user/ada/openspace/stream/one";
const ENTER = "POST sessions/one/enter";
const ENTERED = { [ENTER]: { status: 204, message: "" } };

beforeEach(() => {
  vi.useFakeTimers();
  sessionStorage.clear();
  history.replaceState(null, "", HERE);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("a link's key leaves the address bar and is exchanged for a cookie", async () => {
  location.hash = "share=secret";
  const { requests, replace } = await openPage("door", "", { session: "one" }, ENTERED);
  expect(location.hash).toBe("");
  expect(requests).toEqual([{ method: "POST", path: "sessions/one/enter", body: { key: "secret" } }]);
  expect(replace).toHaveBeenCalledExactlyOnceWith(HERE);
  expect(sessionStorage).toHaveLength(0);
});

test("where a login is needed first, the tab keeps the key through it", async () => {
  location.hash = "share=secret";
  const refusal = { status: 403, message: "log in first" };
  const first = await openPage("door", "", { session: "one" }, { [ENTER]: refusal });
  expect(first.replace).toHaveBeenCalledExactlyOnceWith(`${HERE}?login`);
  vi.restoreAllMocks();
  const second = await openPage("door", "", { session: "one", user: "yes" }, ENTERED);
  expect(second.requests.at(-1)?.body).toEqual({ key: "secret" });
  expect(second.replace).toHaveBeenCalledExactlyOnceWith(HERE);
});

test("without a key it leads to the login, or stays for a user who is logged in", async () => {
  expect((await openPage("door", "", { session: "one" })).replace).toHaveBeenCalledExactlyOnceWith(`${HERE}?login`);
  vi.restoreAllMocks();
  expect((await openPage("door", "", { session: "one", user: "yes" })).replace).not.toHaveBeenCalled();
});

test("a key that is no longer valid is forgotten, and said so", async () => {
  location.hash = "share=old";
  const refusal = { status: 404, message: "this link was revoked" };
  await openPage("door", "", { session: "one", user: "yes" }, { [ENTER]: refusal });
  expect(notice()).toBe("this link was revoked");
  expect(sessionStorage).toHaveLength(0);
});
