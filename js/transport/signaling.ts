/** Client of the signaling socket: the instance offers, the view answers. The server writes the `join` itself. */

import { parseObject, textOf } from "../protocol/messages.ts";

export interface SignalingListener {
  onOffer(sdp: string): void;
  onCandidate(candidate: RTCIceCandidateInit | null): void;
  /** ICE servers and policy for the connection; before the offer. */
  onConfiguration(configuration: RTCConfiguration): void;
  onRefused(reason: string): void;
  onClosed(code: number): void;
}

export class Signaling {
  readonly #socket: WebSocket;
  readonly #pending: string[] = [];

  constructor(socket: WebSocket, listener: SignalingListener, signal: AbortSignal) {
    this.#socket = socket;
    const options = { signal };
    socket.addEventListener(
      "open",
      () => {
        for (const text of this.#pending.splice(0)) socket.send(text);
      },
      options,
    );
    socket.addEventListener("message", (event) => this.#receive(event.data, listener), options);
    socket.addEventListener("close", (event) => listener.onClosed(event.code), options);
    signal.addEventListener("abort", () => socket.close(), { once: true });
    if (signal.aborted) socket.close();
  }

  sendAnswer(sdp: string): void {
    this.#send({ type: "answer", sdp });
  }

  sendCandidate(candidate: RTCIceCandidateInit | null): void {
    this.#send({ type: "ice-candidate", candidate });
  }

  close(): void {
    this.#socket.close();
  }

  #receive(data: unknown, listener: SignalingListener): void {
    const message = parseObject(data);
    if (message === null) return;
    if (message.type === "offer" && typeof message.sdp === "string") listener.onOffer(message.sdp);
    else if (message.type === "ice-candidate")
      listener.onCandidate((message.candidate ?? null) as RTCIceCandidateInit | null);
    else if (message.type === "ice-servers" && Array.isArray(message.ice_servers))
      listener.onConfiguration({
        iceServers: message.ice_servers as RTCIceServer[],
        iceTransportPolicy: message.policy === "relay" ? "relay" : "all",
      });
    else if (message.type === "ping") this.#send({ type: "pong" });
    else if (message.type === "bye") listener.onRefused("the instance ended the connection");
    else if (message.type === "error") listener.onRefused(textOf(message.reason, "refused"));
  }

  #send(message: object): void {
    const text = JSON.stringify(message);
    if (this.#socket.readyState === WebSocket.CONNECTING) this.#pending.push(text);
    else if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text);
  }
}
