import type { Rung } from "./transports.ts";

/** What the browser knows about the received picture, as rates between two looks. */

export interface LocalStats {
  rung: Rung;
  /** How the TURN server is reached; null for a direct way. */
  relay: string | null;
  frameRate: number;
  bitRate: number;
  width: number;
  height: number;
  jitterBufferMs: number;
  decodeMs: number;
  roundTripMs: number | null;
  lost: number;
  /** From decoded to shown; null where the browser does not tell. */
  presentMs: number | null;
}

export interface Inbound {
  timestamp: number;
  bytesReceived?: number;
  framesReceived?: number;
  framesDecoded?: number;
  frameWidth?: number;
  frameHeight?: number;
  jitterBufferDelay?: number;
  jitterBufferEmittedCount?: number;
  totalDecodeTime?: number;
  packetsReceived?: number;
  packetsLost?: number;
  pliCount?: number;
  freezeCount?: number;
  /** Of the packets' way, in seconds. */
  jitter?: number;
}

/** Counts so far, and what is so now. */
export interface Look {
  rung: Rung;
  inbound: Inbound | null;
  /** In seconds. */
  roundTrip: number | null;
  presentMs: number | null;
  relay: string | null;
}

export function growth(before: Inbound, after: Inbound): (name: keyof Inbound) => number {
  return (name) => Math.max(0, (after[name] ?? 0) - (before[name] ?? 0));
}

export function compare(before: Inbound, after: Inbound, { rung, roundTrip, presentMs, relay }: Look): LocalStats {
  const difference = growth(before, after);
  const seconds = Math.max(1e-3, difference("timestamp") / 1000);
  const per = (amount: number, count: number) => (count > 0 ? amount / count : 0);
  return {
    rung,
    relay,
    presentMs,
    frameRate: difference("framesDecoded") / seconds,
    bitRate: (difference("bytesReceived") * 8) / seconds,
    width: after.frameWidth ?? 0,
    height: after.frameHeight ?? 0,
    jitterBufferMs: 1000 * per(difference("jitterBufferDelay"), difference("jitterBufferEmittedCount")),
    decodeMs: 1000 * per(difference("totalDecodeTime"), difference("framesDecoded")),
    roundTripMs: roundTrip === null ? null : roundTrip * 1000,
    lost: after.packetsLost ?? 0,
  };
}

export class StatsSampler {
  #before: Look | null = null;

  sample(look: Look): LocalStats | null {
    const before = this.#before;
    this.#before = look;
    if (!before?.inbound || !look.inbound || before.rung !== look.rung) return null;
    return look.inbound.timestamp < before.inbound.timestamp ? null : compare(before.inbound, look.inbound, look);
  }
}

/**
 * The browser's own key frame requests reach aiortc, but not our encoder: so the view looks for them and asks over
 * `control`. The same for frames that arrive and do not decode.
 */
export class PictureLossWatch {
  #before: Inbound | null = null;
  #stuck = 0;

  judge(now: Inbound): boolean {
    const before = this.#before;
    this.#before = now;
    if (before === null) return false;
    const grew = (name: keyof Inbound) => (now[name] ?? 0) > (before[name] ?? 0);
    this.#stuck = grew("framesReceived") && !grew("framesDecoded") ? this.#stuck + 1 : 0;
    if (this.#stuck >= 2) {
      this.#stuck = 0;
      return true;
    }
    return grew("pliCount");
  }
}

/** What the browser counted on a peer connection. */
export async function lookAt(connection: RTCPeerConnection, presentMs: number | null): Promise<Look> {
  const look: Look = { rung: "webrtc", inbound: null, roundTrip: null, presentMs, relay: null };
  let pair: string | null = null;
  const stats = await connection.getStats().catch(() => null);
  stats?.forEach((entry) => {
    if (entry.type === "inbound-rtp" && entry.kind === "video") look.inbound = entry as Inbound;
    if (entry.type === "candidate-pair" && entry.nominated && typeof entry.currentRoundTripTime === "number")
      look.roundTrip = entry.currentRoundTripTime;
    if (entry.type === "transport" && entry.selectedCandidatePairId) pair = entry.selectedCandidatePairId;
  });
  const used = pair === null ? undefined : stats?.get(pair);
  const [near, far] = [stats?.get(used?.localCandidateId), stats?.get(used?.remoteCandidateId)];
  if (near?.candidateType === "relay") look.relay = near.relayProtocol ?? "udp";
  else if (far?.candidateType === "relay") look.relay = "udp";
  return look;
}
