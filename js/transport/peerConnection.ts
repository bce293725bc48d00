/** The peer connection to an instance: answers its offer, receives the video track and the two data channels. */

import { withoutRetransmission } from "./retransmission.ts";

export interface PeerConnectionListener {
  onCandidate(candidate: RTCIceCandidateInit | null): void;
  onStream(stream: MediaStream): void;
  onChannel(channel: RTCDataChannel): void;
  onConnected(): void;
  onLost(reason: string): void;
}

export class PeerConnection {
  readonly connection: RTCPeerConnection;
  /** Candidates may overtake the offer: these wait for it. Null once it is set. */
  #earlyCandidates: RTCIceCandidateInit[] | null = [];
  #offer = "";

  constructor(listener: PeerConnectionListener, signal: AbortSignal) {
    const connection = new RTCPeerConnection();
    this.connection = connection;
    const options = { signal };
    connection.addEventListener(
      "icecandidate",
      (event) => listener.onCandidate(event.candidate?.toJSON() ?? null),
      options,
    );
    connection.addEventListener(
      "track",
      (event) => {
        if (event.track.kind !== "video") return;
        disableJitterBuffer(event.receiver);
        listener.onStream(new MediaStream([event.track]));
      },
      options,
    );
    connection.addEventListener("datachannel", (event) => listener.onChannel(event.channel), options);
    connection.addEventListener(
      "connectionstatechange",
      () => {
        if (connection.connectionState === "connected") listener.onConnected();
        else if (connection.connectionState === "failed") listener.onLost("no network path to the instance was found");
        else if (connection.connectionState === "closed") listener.onLost("the instance closed the connection");
      },
      options,
    );
    signal.addEventListener("abort", () => connection.close(), { once: true });
  }

  configure(configuration: RTCConfiguration): void {
    try {
      this.connection.setConfiguration(configuration);
    } catch {
      // The browser rejected these ICE servers: fall back to a direct connection.
    }
  }

  /**
   * Turns requests for lost packets on or off, in this browser alone: the instance is not told. A browser that rejects
   * the changed offer continues as before.
   */
  async setRetransmission(isEnabled: boolean): Promise<void> {
    const { connection } = this;
    if (connection.signalingState !== "stable" || this.#offer === "") return;
    const sdp = isEnabled ? this.#offer : withoutRetransmission(this.#offer);
    try {
      await connection.setRemoteDescription({ type: "offer", sdp });
      await connection.setLocalDescription(await connection.createAnswer());
    } catch {
      // Closed in the meantime, or rejected.
    }
  }

  /** The answer to the instance's offer. */
  async answer(offer: string): Promise<string> {
    this.#offer = offer;
    await this.connection.setRemoteDescription({ type: "offer", sdp: offer });
    const early = this.#earlyCandidates ?? [];
    this.#earlyCandidates = null;
    for (const candidate of early) await this.#add(candidate);
    await this.connection.setLocalDescription(await this.connection.createAnswer());
    return this.connection.localDescription?.sdp ?? "";
  }

  async addCandidate(candidate: RTCIceCandidateInit | null): Promise<void> {
    if (candidate === null) return;
    if (this.#earlyCandidates !== null) this.#earlyCandidates.push(candidate);
    else await this.#add(candidate);
  }

  async #add(candidate: RTCIceCandidateInit): Promise<void> {
    try {
      await this.connection.addIceCandidate(candidate);
    } catch {
      // This browser cannot use the candidate; others may work.
    }
  }
}

/** Steering needs the newest frame, not an even flow. */
function disableJitterBuffer(receiver: RTCRtpReceiver): void {
  try {
    (receiver as RTCRtpReceiver & { jitterBufferTarget: number | null }).jitterBufferTarget = 0;
    (receiver as RTCRtpReceiver & { playoutDelayHint?: number }).playoutDelayHint = 0;
  } catch {
    // Older browsers have neither.
  }
}
