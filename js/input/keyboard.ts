/** Keys over the picture: held keys move evenly, the others do one thing. */

import type { InputSender } from "./sender.ts";
import type { Motion } from "./totals.ts";

export interface KeyCommands {
  togglePause(): void;
  home(): void;
}

/** Motion per second of holding; the first press counts as one step of a twentieth of it. */
const SPEEDS: Record<string, Motion> = {
  ArrowLeft: { orbitX: -0.5 },
  ArrowRight: { orbitX: 0.5 },
  ArrowUp: { orbitY: -0.5 },
  ArrowDown: { orbitY: 0.5 },
  "+": { zoom: 1.2 },
  "-": { zoom: -1.2 },
  "shift ArrowLeft": { roll: -0.8 },
  "shift ArrowRight": { roll: 0.8 },
};
const FIRST_STEP = 0.05;

export function motionOf(key: string, shift: boolean): Motion | null {
  if (key === "=" || key === "Add") return SPEEDS["+"]!;
  if (key === "_" || key === "Subtract") return SPEEDS["-"]!;
  return (shift ? SPEEDS[`shift ${key}`] : undefined) ?? SPEEDS[key] ?? null;
}

export function scaled(motion: Motion, factor: number): Motion {
  return Object.fromEntries(Object.entries(motion).map(([axis, amount]) => [axis, amount * factor]));
}

export function listenToKeys(
  picture: HTMLElement,
  sender: InputSender,
  commands: KeyCommands,
  active: () => boolean,
  signal: AbortSignal,
): void {
  /** By physical key: with Shift released first, the key that goes up has another name than the one that went down. */
  const held = new Map<string, Motion>();
  let last = 0;
  let running = 0;

  const tick = (now: number) => {
    const seconds = Math.min(0.1, Math.max(0, (now - last) / 1000));
    last = now;
    for (const motion of held.values()) sender.move(scaled(motion, seconds));
    running = held.size > 0 && !signal.aborted ? requestAnimationFrame(tick) : 0;
  };

  const down = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      picture.blur();
    } else if (!active()) {
      return;
    } else if (event.key === " ") {
      if (!event.repeat) commands.togglePause();
    } else if (event.key === "Home") {
      if (!event.repeat) commands.home();
    } else {
      const motion = motionOf(event.key, event.shiftKey);
      if (motion === null) return;
      if (!held.has(event.code)) {
        held.set(event.code, motion);
        sender.hold(`key ${event.code}`);
        sender.move(scaled(motion, FIRST_STEP));
        if (running === 0) {
          last = performance.now();
          running = requestAnimationFrame(tick);
        }
      }
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const release = (code: string) => {
    if (held.delete(code)) sender.release(`key ${code}`);
  };
  const releaseAll = () => {
    for (const code of [...held.keys()]) release(code);
  };

  picture.addEventListener("keydown", down, { signal });
  picture.addEventListener("keyup", (event) => release(event.code), { signal });
  picture.addEventListener("blur", releaseAll, { signal });
  signal.addEventListener(
    "abort",
    () => {
      releaseAll();
      cancelAnimationFrame(running);
    },
    { once: true },
  );
}
