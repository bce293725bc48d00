/** Which point is under the pointer: asked at a click, and, while somebody listens for it, where the pointer rests. */

import type { PickedPoint, PickMode } from "../protocol/messages.ts";
import { make } from "../util/dom.ts";

export interface Picking {
  mode(): PickMode;
  /** Of the picture, in pixels; null before the first. */
  size(): { width: number; height: number } | null;
  ask(x: number, y: number, how: "click" | "hover"): Promise<PickedPoint | null>;
}

const CLICK_WITHIN = 400;
const CLICK_PIXELS = 4;
const REST = 80;
const SHOWN_FOR = 4000;

/** Returns the label that names the picked point; it belongs into `picture`'s parent. */
export function watchPicks(picture: HTMLElement, picking: Picking, signal: AbortSignal): HTMLElement {
  const label = make("div", { class: "osw-picked", role: "status", hidden: true });
  let pressed: PointerEvent | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;

  const hide = () => {
    clearTimeout(timer);
    label.hidden = true;
  };

  const ask = async (event: PointerEvent, how: "click" | "hover") => {
    const place = placeOf(event, picture.getBoundingClientRect(), picking.size());
    if (place === null) return;
    asked += 1;
    const mine = asked;
    const picked = await picking.ask(place.x, place.y, how);
    if (mine !== asked || signal.aborted) return;
    hide();
    if (picked === null) return;
    label.textContent = textOf(picked);
    const box = picture.getBoundingClientRect();
    label.style.left = `${event.clientX - box.left}px`;
    label.style.top = `${event.clientY - box.top}px`;
    label.hidden = false;
    timer = setTimeout(hide, SHOWN_FOR);
  };

  const down = (event: PointerEvent) => {
    hide();
    asked += 1;
    pressed = event.button === 0 ? event : null;
  };

  const up = (event: PointerEvent) => {
    const began = pressed;
    pressed = null;
    if (began === null || began.pointerId !== event.pointerId || picking.mode() === "never") return;
    const moved = Math.hypot(event.clientX - began.clientX, event.clientY - began.clientY);
    if (moved <= CLICK_PIXELS && event.timeStamp - began.timeStamp <= CLICK_WITHIN) void ask(event, "click");
  };

  const move = (event: PointerEvent) => {
    if (event.buttons !== 0 || picking.mode() !== "hover" || event.pointerType === "touch") return;
    hide();
    asked += 1;
    timer = setTimeout(() => void ask(event, "hover"), REST);
  };

  const options = { signal };
  picture.addEventListener("pointerdown", down, options);
  picture.addEventListener("pointerup", up, options);
  picture.addEventListener("pointermove", move, options);
  picture.addEventListener("pointerleave", hide, options);
  signal.addEventListener("abort", hide, { once: true });
  return label;
}

/** 0 to 1 from the left and the top of the picture, which fills its box but for bars on two sides; null on a bar. */
export function placeOf(
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
