/** JSON requests to the REST interface. */

import { parseObject, textOf } from "../protocol/messages.ts";
import type { Server } from "./server.ts";

/** The server refused; the message is for people. */
export class RestError extends Error {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** The decoded reply, empty for one without a body. Throws a RestError with the server's message. */
export async function requestJson<Reply = Record<string, unknown>>(
  server: Server,
  method: string,
  path: string,
  body?: object,
): Promise<Reply> {
  const init: RequestInit = { method, headers: { "Content-Type": "application/json" } };
  if (body) init.body = JSON.stringify(body);
  const response = await server.fetch(path, init);
  const reply = parseObject(await response.text()) ?? {};
  if (!response.ok)
    throw new RestError(textOf(reply.message, `the Jupyter server answered ${response.status}`), response.status);
  return reply as Reply;
}
