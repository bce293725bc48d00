/** Client of a session's events socket: states and warnings until the session has ended. */

import { Backoff, sleep } from "../util/abort.ts";
import { parseObject, type SessionInfo, textOf, type SessionWarning, parseWarning } from "../protocol/messages.ts";
import { sessionState } from "../protocol/sessionStates.ts";
import type { Server } from "./server.ts";

export interface SessionEventListener {
  onSession(info: SessionInfo): void;
  /** The session is about to end; or no longer, if `at` is empty. */
  onWarning(warning: SessionWarning): void;
  /** The session no longer exists; the last call. */
  onGone(reason: string): void;
  /** The Jupyter server does not answer; further attempts follow. */
  onUnreachable(reason: string): void;
}

const CLOSE_ENDED = 4404;

export async function followSession(server: Server, id: string, listener: SessionEventListener, signal: AbortSignal) {
  const path = `sessions/${encodeURIComponent(id)}`;
  const backoff = new Backoff();
  while (!signal.aborted) {
    const result = await listen(server.socket(`${path}/events`), listener, backoff, signal);
    if (result === "ended" || signal.aborted) return;
    // Browsers hide why a socket was refused; a plain HTTP request returns the reason.
    const refusal = await findRefusal(server, path, listener, signal);
    if (signal.aborted) return;
    if (refusal !== null) return listener.onGone(refusal);
    await sleep(backoff.next(), signal);
  }
}

function listen(
  socket: WebSocket,
  listener: SessionEventListener,
  backoff: Backoff,
  signal: AbortSignal,
): Promise<"ended" | "lost"> {
  return new Promise((resolve) => {
    let hasEnded = false;
    let reason = "";
    const local = new AbortController();
    const finish = (result: "ended" | "lost") => {
      local.abort();
      socket.close();
      resolve(result);
    };
    const options = { signal: local.signal };
    signal.addEventListener("abort", () => finish("ended"), options);
    socket.addEventListener(
      "message",
      (event) => {
        const message = parseObject(event.data);
        if (message?.type === "session") {
          backoff.reset();
          const info = message as unknown as SessionInfo;
          hasEnded = sessionState(info.state)?.isFinal === true;
          listener.onSession(info);
        } else if (message?.type === "warning") {
          listener.onWarning(parseWarning(message));
        } else if (message?.type === "error") {
          reason = textOf(message.reason);
        }
      },
      options,
    );
    socket.addEventListener(
      "close",
      (event) => {
        if (!hasEnded && event.code === CLOSE_ENDED) {
          hasEnded = true;
          listener.onGone(reason || "the session has ended");
        }
        finish(hasEnded ? "ended" : "lost");
      },
      options,
    );
    if (signal.aborted) finish("ended");
  });
}

/** Why the session cannot be followed; null when another attempt may succeed. */
async function findRefusal(
  server: Server,
  path: string,
  listener: SessionEventListener,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const response = await server.fetch(path, { signal });
    if (response.ok) return null;
    const reason = await reasonOf(response);
    if (response.status === 404) return reason || "this session no longer exists";
    if (response.status === 401 || response.status === 403)
      return reason || "this session belongs to another user, or you are not signed in";
    listener.onUnreachable(reason || `the Jupyter server answered ${response.status}`);
  } catch {
    if (!signal.aborted) listener.onUnreachable("the Jupyter server does not answer");
  }
  return null;
}

async function reasonOf(response: Response): Promise<string> {
  const body = parseObject(await response.text().catch(() => ""));
  return textOf(body?.reason) || textOf(body?.message);
}
