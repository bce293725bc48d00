import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { search, TargetPicker } from "../../view/targets.ts";

const TARGETS = [
  { identifier: "Sun", name: "Sun", kind: "star" },
  { identifier: "Earth", name: "Earth", kind: "planet" },
  { identifier: "Moon", name: "Moon", kind: "moon" },
  { identifier: "Iapetus", name: "Iapetus (Saturn VIII)", kind: "moon" },
  { identifier: "Saturn", name: "Saturn", kind: "planet" },
  { identifier: "HaleBopp", name: "Comète Hale–Bopp", kind: "comet" },
];
const names = (text: string) => search(TARGETS, text).map((target) => target.identifier);

test("search puts the best first, and ignores case and accents", () => {
  expect(names("")).toHaveLength(6);
  expect(names("SAT")).toEqual(["Saturn", "Iapetus"]);
  expect(names("comete")).toEqual(["HaleBopp"]);
  expect(names("moon")).toEqual(["Moon", "Iapetus"]);
  expect(names("xyz")).toEqual([]);
});

let life: AbortController;
let picker: TargetPicker;
const choose = vi.fn();

beforeEach(() => {
  vi.clearAllMocks();
  life = new AbortController();
  picker = new TargetPicker(choose, life.signal);
  picker.setTargets(TARGETS);
  picker.setFocus("Earth");
  document.body.append(picker.root);
});
afterEach(() => {
  life.abort();
  picker.root.remove();
});

const field = () => picker.root.querySelector<HTMLInputElement>("input")!;
const key = (name: string) =>
  field().dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
const chosen = () => picker.root.querySelector('[aria-selected="true"]');

test("opens on what is in focus; arrows and Enter choose", () => {
  expect(picker.popover.button.textContent).toBe("Earth");
  picker.popover.open();
  expect(chosen()?.textContent).toContain("Earth");
  key("ArrowDown");
  expect(field().getAttribute("aria-activedescendant")).toBe(chosen()?.id);
  key("Enter");
  expect(choose).toHaveBeenCalledExactlyOnceWith(TARGETS[2]);
  expect(picker.popover.isOpen).toBe(false);
});

test("typing narrows, a click chooses, Escape closes", () => {
  picker.popover.open();
  field().value = "satu";
  field().dispatchEvent(new Event("input"));
  const options = picker.root.querySelectorAll<HTMLElement>(".osw-option");
  expect(options).toHaveLength(2);
  options[1]!.click();
  expect(choose).toHaveBeenCalledWith(TARGETS[3]);
  picker.popover.open();
  key("Escape");
  expect(picker.popover.isOpen).toBe(false);
});

test("without a match the list says so, and Enter does nothing", () => {
  picker.popover.open();
  field().value = "vulcan";
  field().dispatchEvent(new Event("input"));
  expect(picker.root.querySelector<HTMLElement>(".osw-empty")?.hidden).toBe(false);
  expect(picker.root.querySelector(".osw-empty")?.textContent).toBe("No target has this name");
  key("Enter");
  expect(choose).not.toHaveBeenCalled();
});
