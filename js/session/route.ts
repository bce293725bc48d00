/** Which way a view takes to its session: the Jupyter server, or the kernel where that is not reached. */

import { childOf, sleep } from "../util/abort.ts";
import type { Server } from "./server.ts";

/** A server that says nothing of the session for so long is not reached. */
export const REACHED_WITHIN = 2000;
export const TRY_AGAIN_AFTER = 30_000;

/** Follows a session by way of `server` until `life` ends; `heard` is to be called at the first word of the session. */
export type Follow = (server: Server, heard: () => void, life: AbortController) => void;

export async function takeRoad(
  id: string,
  direct: Server | null,
  throughKernel: Server | null,
  follow: Follow,
  signal: AbortSignal,
): Promise<void> {
  const begin = (server: Server) => {
    const life = childOf(signal);
    const heard = new Promise<boolean>((resolve) => {
      follow(server, () => resolve(true), life);
      if (throughKernel !== null) void sleep(REACHED_WITHIN, life.signal).then(() => resolve(false));
    });
    return { life, heard };
  };
  if (direct === null) {
    if (throughKernel !== null) begin(throughKernel);
    return;
  }
  const first = begin(direct);
  if (throughKernel === null || (await first.heard) || signal.aborted) return;
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
