import { expect, test, vi } from "vitest";
import type { ViewerInfo } from "../../protocol/messages.ts";
import { People, peopleOf } from "../../view/people.ts";

const person = (viewer: string, more: Partial<ViewerInfo> = {}): ViewerInfo => ({
  viewer,
  role: "controller",
  owner: false,
  steers: false,
  asks: false,
  transport: "webrtc",
  ...more,
});
const OWNER = person("signaling-1", { owner: true, steers: true });

test("the owner sees everybody who looks, and may give control to the others", () => {
  const guest = person("ada", { role: "viewer", asks: true, transport: "websocket h264" });
  const people = peopleOf({ you: "signaling-1", viewers: [OWNER, person("kernel", { transport: "bulk" }), guest] });
  expect(people).toEqual([
    { viewer: "signaling-1", name: "Owner", notes: ["you", "steers", "webrtc"], givable: false },
    { viewer: "ada", name: "ada", notes: ["asks for control", "websocket h264"], givable: true },
  ]);
});

test("who steers may give control on, but not to those who came to watch; others may not at all", () => {
  const viewers = [person("ada", { steers: true }), person("bob"), person("eve", { role: "viewer" })];
  const givable = (you: string) => peopleOf({ you, viewers }).filter((one) => one.givable);
  expect(givable("ada").map(({ viewer }) => viewer)).toEqual(["bob"]);
  expect(givable("bob")).toEqual([]);
});

test("a click gives control and closes the panel", async () => {
  const life = new AbortController();
  const give = vi.fn();
  const who = async () => ({ you: "signaling-1", viewers: [OWNER, person("ada")] });
  const people = new People({ who, give }, life.signal);
  document.body.append(people.popover.root);
  people.popover.open();
  await vi.waitFor(() => expect(people.popover.root.querySelector(".osw-ask")).not.toBeNull());
  people.popover.root.querySelector<HTMLElement>(".osw-ask")!.click();
  expect(give).toHaveBeenCalledExactlyOnceWith("ada");
  expect(people.popover.isOpen).toBe(false);
  life.abort();
});
