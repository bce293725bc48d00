import { expect, test, vi } from "vitest";
import type { ViewerInfo, ViewerList } from "../../protocol/messages.ts";
import { viewerRows, ViewersPanel } from "../../view/viewersPanel.ts";
import { instance } from "../wire.ts";

const info = (viewer: string, more: Partial<ViewerInfo> = {}): ViewerInfo => ({
  viewer,
  role: "controller",
  owner: false,
  steers: false,
  asks: false,
  transport: "webrtc",
  ...more,
});
const OWNER = info("signaling-1", { owner: true, steers: true });

test("the owner sees all viewers, and may give control to the others", () => {
  const guest = info("ada", { role: "viewer", asks: true, transport: "websocket h264" });
  const rows = viewerRows({ you: "signaling-1", viewers: [OWNER, info("kernel", { transport: "bulk" }), guest] });
  expect(rows).toEqual([
    { viewer: "signaling-1", name: "Owner", notes: ["you", "steers", "webrtc"], canReceiveControl: false },
    { viewer: "ada", name: "ada", notes: ["asks for control", "websocket h264"], canReceiveControl: true },
  ]);
});

test("the steering viewer may give control on, but not to spectators; other viewers may not", () => {
  const viewers = [info("ada", { steers: true }), info("bob"), info("eve", { role: "viewer" })];
  const receivers = (you: string) => viewerRows({ you, viewers }).filter((row) => row.canReceiveControl);
  expect(receivers("ada").map(({ viewer }) => viewer)).toEqual(["bob"]);
  expect(receivers("bob")).toEqual([]);
});

test("the instance's reply is read", () => {
  expect(viewerRows(instance.who as ViewerList)).toEqual([
    { viewer: "ada", name: "Owner", notes: ["you", "steers", "websocket h264"], canReceiveControl: false },
  ]);
});

test("a click gives control and closes the panel", async () => {
  const life = new AbortController();
  const giveControl = vi.fn();
  const list = async () => ({ you: "signaling-1", viewers: [OWNER, info("ada")] });
  const panel = new ViewersPanel({ list, giveControl }, life.signal);
  document.body.append(panel.popover.root);
  panel.popover.open();
  await vi.waitFor(() => expect(panel.popover.root.querySelector(".osw-ask")).not.toBeNull());
  panel.popover.root.querySelector<HTMLElement>(".osw-ask")!.click();
  expect(giveControl).toHaveBeenCalledExactlyOnceWith("ada");
  expect(panel.popover.isOpen).toBe(false);
  life.abort();
});
