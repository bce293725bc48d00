/** Route choice: a view reaches its session through the Jupyter server, else through the kernel's comm tunnel. */

import { childOf, sleep } from "../util/abort.ts";
import type { Server } from "./server.ts";

/** A server that sends nothing about the session for this long counts as not reached. */
export const REACHED_WITHIN = 2000;
export const TRY_AGAIN_AFTER = 30_000;

/** Follows a session through `server` until `life` ends; calls `onReached` with the first message about the session. */
export type Follow = (server: Server, onReached: () => void, life: AbortController) => void;

export async function chooseRoute(
  id: string,
  direct: Server | null,
  throughKernel: Server | null,
  follow: Follow,
  signal: AbortSignal,
): Promise<void> {
  const begin = (server: Server) => {
    const life = childOf(signal);
    const reached = new Promise<boolean>((resolve) => {
      follow(server, () => resolve(true), life);
      if (throughKernel !== null) void sleep(REACHED_WITHIN, life.signal).then(() => resolve(false));
    });
    return { life, reached };
  };
  if (direct === null) {
    if (throughKernel !== null) begin(throughKernel);
    return;
  }
  const first = begin(direct);
  if (throughKernel === null || (await first.reached) || signal.aborted) return;
  first.life.abort();
  const second = begin(throughKernel);
  while (!signal.aborted) {
    await sleep(TRY_AGAIN_AFTER, signal);
    if (!signal.aborted && !document.hidden && (await isReached(direct, id, signal))) break;
  }
  if (signal.aborted) return;
  second.life.abort();
  begin(direct);
}

function isReached(server: Server, id: string, signal: AbortSignal): Promise<boolean> {
  const life = childOf(signal);
  return new Promise<boolean>((resolve) => {
    const socket = server.socket(`sessions/${encodeURIComponent(id)}/events`);
    socket.addEventListener("message", () => resolve(true), { signal: life.signal });
    socket.addEventListener("close", () => resolve(false), { signal: life.signal });
    life.signal.addEventListener("abort", () => socket.close(), { once: true });
    void sleep(REACHED_WITHIN, life.signal).then(() => resolve(false));
  }).finally(() => life.abort());
}
