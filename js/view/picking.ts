/** Point picking: asks which point is under the pointer, at a click and, if requested, where the pointer rests. */

import type { PickedPoint, PickMode } from "../protocol/messages.ts";
import { make } from "../util/dom.ts";

export interface PointPicker {
  mode(): PickMode;
  /** Of the frame, in pixels; null before the first. */
  size(): { width: number; height: number } | null;
  pick(x: number, y: number, how: "click" | "hover"): Promise<PickedPoint | null>;
}

const CLICK_WITHIN = 400;
const CLICK_PIXELS = 4;
const REST_FOR = 80;
const SHOWN_FOR = 4000;

/** Returns the label that names the picked point, for the parent of `viewport`. */
export function watchPicks(viewport: HTMLElement, picker: PointPicker, signal: AbortSignal): HTMLElement {
  const label = make("div", { class: "osw-picked", role: "status", hidden: true });
  let pressed: PointerEvent | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lastRequest = 0;

  const hide = () => {
    clearTimeout(timer);
    label.hidden = true;
  };

  const pick = async (event: PointerEvent, how: "click" | "hover") => {
    const position = positionInFrame(event, viewport.getBoundingClientRect(), picker.size());
    if (position === null) return;
    lastRequest += 1;
    const request = lastRequest;
    const picked = await picker.pick(position.x, position.y, how);
    if (request !== lastRequest || signal.aborted) return;
    hide();
    if (picked === null) return;
    label.textContent = textOf(picked);
    const box = viewport.getBoundingClientRect();
    label.style.left = `${event.clientX - box.left}px`;
    label.style.top = `${event.clientY - box.top}px`;
    label.hidden = false;
    timer = setTimeout(hide, SHOWN_FOR);
  };

  const down = (event: PointerEvent) => {
    hide();
    lastRequest += 1;
    pressed = event.button === 0 ? event : null;
  };

  const up = (event: PointerEvent) => {
    const start = pressed;
    pressed = null;
    if (start === null || start.pointerId !== event.pointerId || picker.mode() === "never") return;
    const moved = Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY);
    if (moved <= CLICK_PIXELS && event.timeStamp - start.timeStamp <= CLICK_WITHIN) void pick(event, "click");
  };

  const move = (event: PointerEvent) => {
    if (event.buttons !== 0 || picker.mode() !== "hover" || event.pointerType === "touch") return;
    hide();
    lastRequest += 1;
    timer = setTimeout(() => void pick(event, "hover"), REST_FOR);
  };

  const options = { signal };
  viewport.addEventListener("pointerdown", down, options);
  viewport.addEventListener("pointerup", up, options);
  viewport.addEventListener("pointermove", move, options);
  viewport.addEventListener("pointerleave", hide, options);
  signal.addEventListener("abort", hide, { once: true });
  return label;
}

/** 0 to 1 from the left and the top of the frame, which fills the box except for a letterbox; null in the letterbox. */
export function positionInFrame(
  at: { clientX: number; clientY: number },
  box: { left: number; top: number; width: number; height: number },
  size: { width: number; height: number } | null,
): { x: number; y: number } | null {
  if (size === null || size.width <= 0 || size.height <= 0) return null;
  const scale = Math.min(box.width / size.width, box.height / size.height);
  const x = 0.5 + (at.clientX - box.left - box.width / 2) / (size.width * scale);
  const y = 0.5 + (at.clientY - box.top - box.height / 2) / (size.height * scale);
  return x >= 0 && x <= 1 && y >= 0 && y <= 1 ? { x, y } : null;
}

function textOf(picked: PickedPoint): string {
  const value = picked.value === null ? "" : ` · ${Number(picked.value.toPrecision(6))}`;
  return `${picked.name} #${picked.index}${value}`;
}
