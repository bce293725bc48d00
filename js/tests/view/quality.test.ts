import { beforeEach, expect, test, vi } from "vitest";
import { Bar, type BarCommands } from "../../view/bar.ts";
import { STATE } from "../wire.ts";

const commands = { setFrameRate: vi.fn(), setBitRate: vi.fn() };
let bar: Bar;

beforeEach(() => {
  vi.clearAllMocks();
  bar = new Bar(commands as unknown as BarCommands, new AbortController().signal);
  document.body.replaceChildren(bar.root);
});

function open(): HTMLElement {
  bar.root.querySelector<HTMLButtonElement>("[aria-label='Video quality']")?.click();
  return bar.root.querySelector<HTMLElement>("[aria-label^='Frame rate']") as HTMLElement;
}

const items = (group: HTMLElement) => [...group.querySelectorAll<HTMLElement>("[role=menuitemradio]")];
const checked = (group: HTMLElement) =>
  items(group)
    .filter((item) => item.getAttribute("aria-checked") === "true")
    .map((item) => item.querySelector(".osw-menu-label")?.textContent);

test("the frame rate is automatic until one is chosen", () => {
  bar.setState({ ...STATE, frame_rate: 60 });
  const group = open();
  expect(checked(group)).toEqual(["Auto"]);
  expect(group.getAttribute("aria-label")).toBe("Frame rate, now up to 60 fps");
});

test("a rate can be chosen, and the choice undone", () => {
  bar.setState({ ...STATE, frame_rate: 60, chosen_frame_rate: 60 });
  let group = open();
  expect(checked(group)).toEqual(["60 fps"]);
  items(group)[0]?.click();
  expect(commands.setFrameRate).toHaveBeenLastCalledWith(null);
  group = open();
  items(group)[1]?.click();
  expect(commands.setFrameRate).toHaveBeenLastCalledWith(15);
});

test("an older instance sends only a number, which is the choice", () => {
  const { chosen_frame_rate: _, ...older } = STATE;
  bar.setState(older);
  expect(checked(open())).toEqual(["30 fps"]);
});
