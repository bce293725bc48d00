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

  const needed = () => busy() || overBar || picture.matches(":focus-visible") || bar.querySelector(":focus-visible") !== null;
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
      else if (event.target === picture && !picture.matches(":focus-visible")) root.classList.remove("osw-awake");
    },
    options,
  );
  root.addEventListener("pointerup", wake, options);
  root.addEventListener("pointerleave", () => sleepIn(AFTER_LEAVING), options);
  root.addEventListener("focusin", wake, options);
  bar.addEventListener("pointerenter", () => (overBar = true), options);
  bar.addEventListener("pointerleave", () => (overBar = false), options);
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
}
