/** Visibility of the control bar: shown on pointer movement and keyboard focus, hidden while the camera is steered. */

const HIDE_AFTER_MOVE = 2500;
const HIDE_AFTER_LEAVE = 300;

export interface BarParts {
  root: HTMLElement;
  bar: HTMLElement;
  viewport: HTMLElement;
  /** The bar must not slide away now: a panel is open. */
  isBusy(): boolean;
}

export function autoHideBar({ root, bar, viewport, isBusy }: BarParts, signal: AbortSignal): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOverBar = false;

  const hasKeyboardFocus = () => viewport.matches(":focus-visible") && !root.classList.contains("osw-mouse");
  const isNeeded = () => isBusy() || isOverBar || hasKeyboardFocus() || bar.querySelector(":focus-visible") !== null;
  const hide = () => {
    if (isNeeded()) hideIn(HIDE_AFTER_MOVE);
    else root.classList.remove("osw-bar-visible");
  };
  const hideIn = (milliseconds: number) => {
    clearTimeout(timer);
    timer = setTimeout(hide, milliseconds);
  };
  const show = () => {
    root.classList.add("osw-bar-visible");
    hideIn(HIDE_AFTER_MOVE);
  };

  const options = { signal };
  root.addEventListener(
    "pointermove",
    (event) => {
      if (event.buttons === 0 || bar.contains(event.target as Node)) show();
      else if (event.target === viewport) root.classList.remove("osw-bar-visible");
    },
    options,
  );
  // Steering by pointer needs no focus ring around the viewport, even if the keyboard was used before.
  viewport.addEventListener("pointerdown", () => root.classList.add("osw-mouse"), options);
  root.addEventListener("keyup", (event) => event.key === "Tab" && root.classList.remove("osw-mouse"), options);
  root.addEventListener("pointerup", show, options);
  root.addEventListener("pointerleave", () => hideIn(HIDE_AFTER_LEAVE), options);
  root.addEventListener("focusin", show, options);
  bar.addEventListener("pointerenter", () => (isOverBar = true), options);
  bar.addEventListener("pointerleave", () => (isOverBar = false), options);
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
}
