/** Keyboard steering: movement keys move evenly while they are down, the others run a command once. */

import type { InputSender } from "./sender.ts";
import type { Motion } from "./totals.ts";

export interface KeyCommands {
  togglePause(): void;
  home(): void;
}

/** Motion per second while a key is down; the press itself counts as a twentieth of it. */
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
  element: HTMLElement,
  sender: InputSender,
  commands: KeyCommands,
  isActive: () => boolean,
  signal: AbortSignal,
): void {
  /** By physical key: if Shift is released first, the key's name differs between press and release. */
  const pressed = new Map<string, Motion>();
  let lastTick = 0;
  let animation = 0;

  const tick = (now: number) => {
    const seconds = Math.min(0.1, Math.max(0, (now - lastTick) / 1000));
    lastTick = now;
    for (const motion of pressed.values()) sender.move(scaled(motion, seconds));
    animation = pressed.size > 0 && !signal.aborted ? requestAnimationFrame(tick) : 0;
  };

  const down = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      element.blur();
    } else if (!isActive()) {
      return;
    } else if (event.key === " ") {
      if (!event.repeat) commands.togglePause();
    } else if (event.key === "Home") {
      if (!event.repeat) commands.home();
    } else {
      const motion = motionOf(event.key, event.shiftKey);
      if (motion === null) return;
      if (!pressed.has(event.code)) {
        pressed.set(event.code, motion);
        sender.hold(`key ${event.code}`);
        sender.move(scaled(motion, FIRST_STEP));
        if (animation === 0) {
          lastTick = performance.now();
          animation = requestAnimationFrame(tick);
        }
      }
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const release = (code: string) => {
    if (pressed.delete(code)) sender.release(`key ${code}`);
  };
  const releaseAll = () => {
    for (const code of [...pressed.keys()]) release(code);
  };

  element.addEventListener("keydown", down, { signal });
  element.addEventListener("keyup", (event) => release(event.code), { signal });
  element.addEventListener("blur", releaseAll, { signal });
  signal.addEventListener(
    "abort",
    () => {
      releaseAll();
      cancelAnimationFrame(animation);
    },
    { once: true },
  );
}
