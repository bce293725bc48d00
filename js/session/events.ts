/** Follows a session's life over its events socket, for as long as it lives. */

import { Backoff, sleep } from "../util/abort.ts";
import { parseObject, type SessionInfo, textOf, type SessionWarning, parseWarning } from "../protocol/messages.ts";
import { sessionState } from "../protocol/sessionStates.ts";
import type { Server } from "./server.ts";

export interface SessionListener {
  session(info: SessionInfo): void;
  /** It is about to end, or does not after all. */
  warning(warning: SessionWarning): void;
  /** There is no such session any more; nothing more comes. */
  gone(reason: string): void;
  /** The Jupyter server does not answer; it is asked again and again. */
  unreachable(reason: string): void;
}

const CLOSE_ENDED = 4404;

export async function followSession(server: Server, id: string, listener: SessionListener, signal: AbortSignal) {
  const path = `sessions/${encodeURIComponent(id)}`;
  const backoff = new Backoff();
  while (!signal.aborted) {
    const end = await listen(server.socket(`${path}/events`), listener, backoff, signal);
    if (end === "ended" || signal.aborted) return;
    // A browser does not say why a socket was refused: plain HTTP does.
    const refusal = await ask(server, path, listener, signal);
    if (signal.aborted) return;
    if (refusal !== null) return listener.gone(refusal);
    await sleep(backoff.next(), signal);
  }
}

function listen(
  socket: WebSocket,
  listener: SessionListener,
  backoff: Backoff,
  signal: AbortSignal,
): Promise<"ended" | "lost"> {
  return new Promise((resolve) => {
    let ended = false;
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
          ended = sessionState(info.state)?.isFinal === true;
          listener.session(info);
        } else if (message?.type === "warning") {
          listener.warning(parseWarning(message));
        } else if (message?.type === "error") {
          reason = textOf(message.reason);
        }
      },
      options,
    );
    socket.addEventListener(
      "close",
      (event) => {
        if (!ended && event.code === CLOSE_ENDED) {
          ended = true;
          listener.gone(reason || "the session has ended");
        }
        finish(ended ? "ended" : "lost");
      },
      options,
    );
    if (signal.aborted) finish("ended");
  });
}

/** Why the session cannot be followed, or null when it is worth trying again. */
async function ask(
  server: Server,
  path: string,
  listener: SessionListener,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const response = await server.fetch(path, { signal });
    if (response.ok) return null;
    const reason = await reasonOf(response);
    if (response.status === 404) return reason || "this session no longer exists";
    if (response.status === 401 || response.status === 403)
      return reason || "this session belongs to somebody else, or you are not signed in";
    listener.unreachable(reason || `the Jupyter server answered ${response.status}`);
  } catch {
    if (!signal.aborted) listener.unreachable("the Jupyter server does not answer");
  }
  return null;
}

async function reasonOf(response: Response): Promise<string> {
  const body = parseObject(await response.text().catch(() => ""));
  return textOf(body?.reason) || textOf(body?.message);
}
