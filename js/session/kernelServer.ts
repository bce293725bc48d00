/**
 * The comm tunnel's end in the page, for pages that do not reach the Jupyter server (VS Code, Colab, a blocked proxy):
 * `openspace_widget/view/comm_tunnel.py` opens the sockets for them in the kernel.
 */

import { COMM_TRANSPORT } from "../transport/transports.ts";
import type { Server } from "./server.ts";

/** The part of anywidget's model that is used. */
export interface CommModel {
  send(content: unknown): void;
  on(event: "msg:custom", listener: (content: unknown, buffers?: DataView[]) => void): void;
  off(event: "msg:custom", listener: (content: unknown, buffers?: DataView[]) => void): void;
}

interface TunnelMessage {
  road: "openspace";
  socket: string;
  do: "opened" | "message" | "closed";
  text?: string;
  code?: number;
  reason?: string;
}

export class CommServer implements Server {
  readonly baseUrl = "";
  readonly transports = [COMM_TRANSPORT] as const;
  readonly #model: CommModel;
  readonly #sockets = new Map<string, CommSocket>();

  constructor(model: CommModel, signal: AbortSignal) {
    this.#model = model;
    const onMessage = (content: unknown, buffers?: DataView[]) =>
      this.#receive(content as TunnelMessage, buffers ?? []);
    model.on("msg:custom", onMessage);
    const end = () => {
      model.off("msg:custom", onMessage);
      for (const socket of [...this.#sockets.values()]) socket.close();
    };
    signal.addEventListener("abort", end, { once: true });
  }

  /** Only sockets pass through the kernel. */
  async fetch(): Promise<Response> {
    throw new TypeError("the Jupyter server cannot be reached from this page");
  }

  socket(path: string): WebSocket {
    const socket = new CommSocket((message) => this.#model.send({ road: "openspace", ...message }));
    this.#sockets.set(socket.name, socket);
    socket.addEventListener("close", () => this.#sockets.delete(socket.name), { once: true });
    socket.open(path.slice(path.lastIndexOf("/") + 1));
    return socket as unknown as WebSocket;
  }

  #receive(message: TunnelMessage, buffers: readonly DataView[]): void {
    if (message?.road === "openspace") this.#sockets.get(message.socket)?.receive(message, buffers);
  }
}

/** A tunneled socket with the interface of WebSocket. */
class CommSocket extends EventTarget {
  /** Unique among all pages that show the same widget. */
  readonly name = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");
  binaryType = "arraybuffer";
  readyState: number = WebSocket.CONNECTING;
  readonly #post: (message: object) => void;

  constructor(post: (message: object) => void) {
    super();
    this.#post = post;
  }

  open(channel: string): void {
    this.#post({ socket: this.name, do: "open", channel });
  }

  send(text: string): void {
    if (this.readyState === WebSocket.OPEN) this.#post({ socket: this.name, do: "send", text });
  }

  close(): void {
    if (this.readyState === WebSocket.CLOSED) return;
    this.#post({ socket: this.name, do: "close" });
    this.#closed(1000, "");
  }

  receive(message: TunnelMessage, buffers: readonly DataView[]): void {
    if (this.readyState === WebSocket.CLOSED) return;
    if (message.do === "opened") {
      this.readyState = WebSocket.OPEN;
      this.dispatchEvent(new Event("open"));
    } else if (message.do === "message") {
      const [buffer] = buffers;
      this.dispatchEvent(new MessageEvent("message", { data: buffer ? copyOf(buffer) : (message.text ?? "") }));
    } else if (message.do === "closed") {
      this.#closed(message.code ?? 1011, message.reason ?? "");
    }
  }

  #closed(code: number, reason: string): void {
    this.readyState = WebSocket.CLOSED;
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason }));
  }
}

/** Buffers are views on larger ones. */
function copyOf(view: DataView): ArrayBuffer {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice().buffer as ArrayBuffer;
}
