/** Tells whether anybody can see an element: scrolled into view, of some size, in a page that is shown. */

export const HIDDEN_FOR = 10_000;

/** `hidden` is called once nobody has seen the element for ten seconds, `shown` when somebody does again. */
export function watchVisibility(element: Element, hidden: () => void, shown: () => void, signal: AbortSignal): void {
  let inView = true;
  let resting = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const judge = () => {
    const visible = inView && !document.hidden;
    if (visible) {
      clearTimeout(timer);
      timer = undefined;
      if (resting) shown();
      resting = false;
    } else if (timer === undefined && !resting) {
      timer = setTimeout(() => {
        timer = undefined;
        resting = true;
        hidden();
      }, HIDDEN_FOR);
    }
  };
  const observer = new IntersectionObserver((entries) => {
    inView = entries.at(-1)?.isIntersecting ?? true;
    judge();
  });
  observer.observe(element);
  document.addEventListener("visibilitychange", judge, { signal });
  signal.addEventListener(
    "abort",
    () => {
      observer.disconnect();
      clearTimeout(timer);
    },
    { once: true },
  );
}
