/** The size of the view on the page, and the frame size that fits it. */

import { make } from "../util/dom.ts";

export interface Size {
  width: number;
  height: number;
}

const MIN_LENGTH = 64;
const MAX_SIZE: Size = { width: 3840, height: 2160 };
const DEBOUNCE = 150;
const MIN_VIEW_WIDTH = 240;
const KEY_STEP = 32;

/** Device pixels for a box in CSS pixels: even, and with the same aspect where the limits allow. */
export function frameSize(box: Size, pixelRatio: number): Size {
  const scale =
    Math.min(1, MAX_SIZE.width / (box.width * pixelRatio), MAX_SIZE.height / (box.height * pixelRatio)) * pixelRatio;
  const even = (length: number) => Math.max(MIN_LENGTH, 2 * Math.round((length * scale) / 2));
  return { width: even(box.width), height: even(box.height) };
}

/** Calls `onChange` with the fitting frame size once it has settled; not for boxes without a size (hidden ones). */
export function watchSize(element: HTMLElement, onChange: (size: Size) => void, signal: AbortSignal): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = "";
  const report = () => {
    const { clientWidth: width, clientHeight: height } = element;
    if (width < 2 || height < 2) return;
    const size = frameSize({ width, height }, window.devicePixelRatio || 1);
    const key = `${size.width}x${size.height}`;
    if (key === last) return;
    last = key;
    onChange(size);
  };
  const debounced = () => {
    clearTimeout(timer);
    timer = setTimeout(report, DEBOUNCE);
  };
  const observer = new ResizeObserver(debounced);
  observer.observe(element);
  watchPixelRatio(debounced, signal);
  signal.addEventListener(
    "abort",
    () => {
      observer.disconnect();
      clearTimeout(timer);
    },
    { once: true },
  );
}

/** A media query reports only the change away from one ratio, so each change makes a new one. */
function watchPixelRatio(onChange: () => void, signal: AbortSignal): void {
  if (signal.aborted || typeof matchMedia !== "function") return;
  matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`).addEventListener(
    "change",
    () => {
      onChange();
      watchPixelRatio(onChange, signal);
    },
    { once: true, signal },
  );
}

/** The corner that resizes the view by its width; the height follows. Double click returns to the full width. */
export function resizeHandle(root: HTMLElement, signal: AbortSignal): HTMLElement {
  const handle = make("button", {
    class: "osw-resize",
    type: "button",
    "aria-label": "Resize the view: left and right arrow keys",
    title: "Drag to resize, double click for full width",
  });
  const set = (width: number) => {
    const available = root.parentElement?.clientWidth ?? width;
    root.style.width = width >= available ? "" : `${Math.max(MIN_VIEW_WIDTH, Math.round(width))}px`;
  };
  let grab: { x: number; y: number; width: number; slope: number } | null = null;
  const options = { signal };
  handle.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      handle.focus({ preventScroll: true });
      handle.setPointerCapture(event.pointerId);
      grab = {
        x: event.clientX,
        y: event.clientY,
        width: root.offsetWidth,
        slope: root.offsetWidth / Math.max(1, root.offsetHeight),
      };
    },
    options,
  );
  handle.addEventListener(
    "pointermove",
    (event) => {
      if (!grab) return;
      const across = event.clientX - grab.x;
      const down = (event.clientY - grab.y) * grab.slope;
      set(grab.width + (Math.abs(across) > Math.abs(down) ? across : down));
    },
    options,
  );
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"] as const)
    handle.addEventListener(end, () => (grab = null), options);
  handle.addEventListener("dblclick", () => (root.style.width = ""), options);
  handle.addEventListener(
    "keydown",
    (event) => {
      const step = { ArrowLeft: -KEY_STEP, ArrowUp: -KEY_STEP, ArrowRight: KEY_STEP, ArrowDown: KEY_STEP }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      set(root.offsetWidth + step);
    },
    options,
  );
  return handle;
}
