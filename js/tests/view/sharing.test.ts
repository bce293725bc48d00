import { expect, test, vi } from "vitest";
import { type Share, sharesOf } from "../../session/shares.ts";
import { SharingPanel } from "../../view/sharing.ts";
import { sessions } from "../wire.ts";

const LINK = sessions.new_share.url;
const share = sessions.shares.shares[0] as Share;
const settled = () => new Promise((resolve) => setTimeout(resolve));

test("the panel makes a link, shows it only once, and revokes those there are", async () => {
  const shares = { list: vi.fn(async () => [share]), create: vi.fn(async () => LINK), revoke: vi.fn(async () => {}) };
  const sharing = new SharingPanel(new AbortController().signal);
  const { root, button } = sharing.popover;
  document.body.append(root);
  expect(root.hidden).toBe(true);
  sharing.setShares(shares);
  expect(root.hidden).toBe(false);
  button.click();
  await settled();
  root.querySelector<HTMLButtonElement>(".osw-sharing-row button")?.click();
  await settled();
  expect(shares.create).toHaveBeenCalledWith("viewer", 1);
  expect(root.querySelector<HTMLInputElement>(".osw-link")?.value).toBe(LINK);
  root.querySelector<HTMLButtonElement>(".osw-row button")?.click();
  await settled();
  expect(shares.revoke).toHaveBeenCalledWith("1");
  shares.list.mockRejectedValueOnce(new Error("the server is gone"));
  button.click();
  button.click();
  await settled();
  expect(root.querySelector<HTMLInputElement>(".osw-link")?.hidden).toBe(true);
  expect(root.querySelector("[role=status]")?.textContent).toBe("the server is gone");
  sharing.setShares(null);
  expect(root.hidden).toBe(true);
});

test("a link has the address that the page itself was reached at", async () => {
  const fetch = vi.fn(async () => new Response(JSON.stringify(sessions.new_share)));
  const server = { baseUrl: "https://hub.example/user/ada/", fetch, socket: vi.fn() };
  expect(await sharesOf(server, "s").create("controller", 24)).toBe(LINK);
  fetch.mockResolvedValueOnce(new Response(JSON.stringify({ message: "no" }), { status: 429 }));
  await expect(sharesOf(server, "s").create("viewer", 1)).rejects.toThrow("no");
});
