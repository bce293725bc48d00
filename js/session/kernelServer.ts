/**
 * The way through the kernel, for pages that do not reach the Jupyter server (VS Code, Colab, a blocked proxy):
 * `openspace_widget/view/comm_tunnel.py` opens the sockets for them.
 */

import { LAST_RUNG } from "../transport/transports.ts";
import type { Server } from "./server.ts";

/** The part of anywidget's model that is used. */
export interface CommModel {
  send(content: unknown): void;
  on(event: "msg:custom", listener: (content: unknown, buffers?: DataView[]) => void): void;
  off(event: "msg:custom", listener: (content: unknown, buffers?: DataView[]) => void): void;
}

interface Told {
  road: "openspace";
  socket: string;
  do: "opened" | "message" | "closed";
  text?: string;
  code?: number;
  reason?: string;
}

export class CommServer implements Server {
  readonly baseUrl = "";
  readonly rungs = [LAST_RUNG] as const;
  readonly #model: CommModel;
  readonly #sockets = new Map<string, CommSocket>();

  constructor(model: CommModel, signal: AbortSignal) {
    this.#model = model;
    const heard = (content: unknown, buffers?: DataView[]) => this.#heard(content as Told, buffers ?? []);
    model.on("msg:custom", heard);
    const end = () => {
      model.off("msg:custom", heard);
      for (const socket of [...this.#sockets.values()]) socket.close();
    };
    signal.addEventListener("abort", end, { once: true });
  }

  /** Only sockets go through the kernel: whoever asks something else is told that it cannot be asked here. */
  async fetch(): Promise<Response> {
    throw new TypeError("no Jupyter server is reached from here");
  }

  socket(path: string): WebSocket {
    const socket = new CommSocket((message) => this.#model.send({ road: "openspace", ...message }));
    this.#sockets.set(socket.name, socket);
    socket.addEventListener("close", () => this.#sockets.delete(socket.name), { once: true });
    socket.begin(path.slice(path.lastIndexOf("/") + 1));
    return socket as unknown as WebSocket;
  }

  #heard(told: Told, buffers: readonly DataView[]): void {
    if (told?.road === "openspace") this.#sockets.get(told.socket)?.hear(told, buffers);
  }
}

/** Speaks as a WebSocket does. */
class CommSocket extends EventTarget {
  /** Unlike that of any other page which shows the same widget. */
  readonly name = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");
  binaryType = "arraybuffer";
  readyState: number = WebSocket.CONNECTING;
  readonly #post: (message: object) => void;

  constructor(post: (message: object) => void) {
    super();
    this.#post = post;
  }

  begin(channel: string): void {
    this.#post({ socket: this.name, do: "open", channel });
  }

  send(text: string): void {
    if (this.readyState === WebSocket.OPEN) this.#post({ socket: this.name, do: "send", text });
  }

  close(): void {
    if (this.readyState === WebSocket.CLOSED) return;
    this.#post({ socket: this.name, do: "close" });
    this.#end(1000, "");
  }

  hear(told: Told, buffers: readonly DataView[]): void {
    if (this.readyState === WebSocket.CLOSED) return;
    if (told.do === "opened") {
      this.readyState = WebSocket.OPEN;
      this.dispatchEvent(new Event("open"));
    } else if (told.do === "message") {
      const [buffer] = buffers;
      this.dispatchEvent(new MessageEvent("message", { data: buffer ? copyOf(buffer) : (told.text ?? "") }));
    } else if (told.do === "closed") {
      this.#end(told.code ?? 1011, told.reason ?? "");
    }
  }

  #end(code: number, reason: string): void {
    this.readyState = WebSocket.CLOSED;
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason }));
  }
}

/** Buffers come as views on larger ones. */
function copyOf(view: DataView): ArrayBuffer {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice().buffer as ArrayBuffer;
}
