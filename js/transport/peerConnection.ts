/** One peer connection to an instance: answers its offer, receives the picture and the two channels. */

import { withoutRepairs } from "./retransmission.ts";

export interface PeerListener {
  candidate(candidate: RTCIceCandidateInit | null): void;
  stream(stream: MediaStream): void;
  channel(channel: RTCDataChannel): void;
  connected(): void;
  lost(reason: string): void;
}

export class Peer {
  readonly connection: RTCPeerConnection;
  /** Candidates may overtake the offer: they wait here until it is set. */
  #early: RTCIceCandidateInit[] | null = [];
  #offer = "";

  constructor(listener: PeerListener, signal: AbortSignal) {
    const connection = new RTCPeerConnection();
    this.connection = connection;
    const options = { signal };
    connection.addEventListener(
      "icecandidate",
      (event) => listener.candidate(event.candidate?.toJSON() ?? null),
      options,
    );
    connection.addEventListener(
      "track",
      (event) => {
        if (event.track.kind !== "video") return;
        showAtOnce(event.receiver);
        listener.stream(new MediaStream([event.track]));
      },
      options,
    );
    connection.addEventListener("datachannel", (event) => listener.channel(event.channel), options);
    connection.addEventListener(
      "connectionstatechange",
      () => {
        if (connection.connectionState === "connected") listener.connected();
        else if (connection.connectionState === "failed") listener.lost("no way to the instance was found");
        else if (connection.connectionState === "closed") listener.lost("the instance closed the connection");
      },
      options,
    );
    signal.addEventListener("abort", () => connection.close(), { once: true });
  }

  configure(configuration: RTCConfiguration): void {
    try {
      this.connection.setConfiguration(configuration);
    } catch {
      // Servers that this browser takes for nonsense: better the direct way alone than none.
    }
  }

  /**
   * Settles with this browser alone whether it asks for lost packets; the instance need not hear of it. A browser that
   * will not have it goes on as before.
   */
  async askForRepairs(wanted: boolean): Promise<void> {
    const { connection } = this;
    if (connection.signalingState !== "stable" || this.#offer === "") return;
    const sdp = wanted ? this.#offer : withoutRepairs(this.#offer);
    try {
      await connection.setRemoteDescription({ type: "offer", sdp });
      await connection.setLocalDescription(await connection.createAnswer());
    } catch {
      // Closed meanwhile, or not to its liking.
    }
  }

  async accept(sdp: string): Promise<string> {
    this.#offer = sdp;
    await this.connection.setRemoteDescription({ type: "offer", sdp });
    const early = this.#early ?? [];
    this.#early = null;
    for (const candidate of early) await this.#add(candidate);
    await this.connection.setLocalDescription(await this.connection.createAnswer());
    return this.connection.localDescription?.sdp ?? "";
  }

  async addCandidate(candidate: RTCIceCandidateInit | null): Promise<void> {
    if (candidate === null) return;
    if (this.#early !== null) this.#early.push(candidate);
    else await this.#add(candidate);
  }

  async #add(candidate: RTCIceCandidateInit): Promise<void> {
    try {
      await this.connection.addIceCandidate(candidate);
    } catch {
      // A candidate this browser cannot use: others may do.
    }
  }
}

/** Steering wants the newest picture, not an even flow. */
function showAtOnce(receiver: RTCRtpReceiver): void {
  try {
    (receiver as RTCRtpReceiver & { jitterBufferTarget: number | null }).jitterBufferTarget = 0;
    (receiver as RTCRtpReceiver & { playoutDelayHint?: number }).playoutDelayHint = 0;
  } catch {
    // Older browsers have neither.
  }
}
