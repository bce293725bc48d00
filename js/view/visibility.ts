/** Visibility of an element: scrolled into view, in a page that is shown. */

export const HIDDEN_AFTER = 10_000;

/** Calls `onHidden` once the element has not been visible for ten seconds, `onShown` when it is visible again. */
export function watchVisibility(
  element: Element,
  onHidden: () => void,
  onShown: () => void,
  signal: AbortSignal,
): void {
  let isInView = true;
  let isHidden = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const update = () => {
    const isVisible = isInView && !document.hidden;
    if (isVisible) {
      clearTimeout(timer);
      timer = undefined;
      if (isHidden) onShown();
      isHidden = false;
    } else if (timer === undefined && !isHidden) {
      timer = setTimeout(() => {
        timer = undefined;
        isHidden = true;
        onHidden();
      }, HIDDEN_AFTER);
    }
  };
  const observer = new IntersectionObserver((entries) => {
    isInView = entries.at(-1)?.isIntersecting ?? true;
    update();
  });
  observer.observe(element);
  document.addEventListener("visibilitychange", update, { signal });
  signal.addEventListener(
    "abort",
    () => {
      observer.disconnect();
      clearTimeout(timer);
    },
    { once: true },
  );
}
