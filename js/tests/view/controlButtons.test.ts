import { expect, test, vi } from "vitest";
import { ControlButtons } from "../../view/controlButtons.ts";

const SPECTATOR = { isSteering: false, isOwner: false, hasRequested: false, controller: "the owner", requests: [] };

test("a button for each action, kept while nothing changes", () => {
  const act = vi.fn();
  const buttons = new ControlButtons(act);
  expect(buttons.root.hidden).toBe(true);
  buttons.show(SPECTATOR);
  const button = buttons.root.querySelector("button")!;
  expect(button.textContent).toBe("Request control");
  buttons.show({ ...SPECTATOR });
  expect(buttons.root.querySelector("button")).toBe(button);
  button.click();
  expect(act).toHaveBeenCalledWith(expect.objectContaining({ verb: "request_control" }));
  buttons.show(null);
  expect(buttons.root.hidden).toBe(true);
  expect(buttons.root.childElementCount).toBe(0);
});
