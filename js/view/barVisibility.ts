/** When the bar shows: while somebody moves over the view or works it by keyboard, not while a hand steers. */

const AFTER_MOVING = 2500;
const AFTER_LEAVING = 300;

export interface AwakeParts {
  root: HTMLElement;
  bar: HTMLElement;
  picture: HTMLElement;
  /** A panel is open, or something else that must not slide away. */
  busy(): boolean;
}

export function keepAwake({ root, bar, picture, busy }: AwakeParts, signal: AbortSignal): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let overBar = false;

  const byKeyboard = () => picture.matches(":focus-visible") && !root.classList.contains("osw-mouse");
  const needed = () => busy() || overBar || byKeyboard() || bar.querySelector(":focus-visible") !== null;
  const sleep = () => {
    if (needed()) sleepIn(AFTER_MOVING);
    else root.classList.remove("osw-awake");
  };
  const sleepIn = (milliseconds: number) => {
    clearTimeout(timer);
    timer = setTimeout(sleep, milliseconds);
  };
  const wake = () => {
    root.classList.add("osw-awake");
    sleepIn(AFTER_MOVING);
  };

  const options = { signal };
  root.addEventListener(
    "pointermove",
    (event) => {
      if (event.buttons === 0 || bar.contains(event.target as Node)) wake();
      else if (event.target === picture) root.classList.remove("osw-awake");
    },
    options,
  );
  // Whoever steers by hand needs no focus ring around the picture, even if the keyboard was used before.
  picture.addEventListener("pointerdown", () => root.classList.add("osw-mouse"), options);
  root.addEventListener("keyup", (event) => event.key === "Tab" && root.classList.remove("osw-mouse"), options);
  root.addEventListener("pointerup", wake, options);
  root.addEventListener("pointerleave", () => sleepIn(AFTER_LEAVING), options);
  root.addEventListener("focusin", wake, options);
  bar.addEventListener("pointerenter", () => (overBar = true), options);
  bar.addEventListener("pointerleave", () => (overBar = false), options);
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
}
