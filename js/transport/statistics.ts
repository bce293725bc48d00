/** Receive statistics: what the browser counts, rates between two snapshots, and frames that need a key frame. */

import type { TransportName } from "./transports.ts";

export interface LocalStats {
  transport: TransportName;
  /** The protocol to the TURN server; null for a direct connection. */
  relay: string | null;
  frameRate: number;
  bitRate: number;
  width: number;
  height: number;
  jitterBufferMs: number;
  decodeMs: number;
  roundTripMs: number | null;
  lost: number;
  /** From decoding to presentation; null where the browser does not measure it. */
  presentMs: number | null;
}

/** Counts since the connection opened, by the names of `RTCInboundRtpStreamStats`. */
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
  /** Of the network, in seconds. */
  jitter?: number;
}

export interface StatsSnapshot {
  transport: TransportName;
  inbound: Inbound | null;
  /** In seconds. */
  roundTrip: number | null;
  presentMs: number | null;
  relay: string | null;
}

export function growth(before: Inbound, after: Inbound): (name: keyof Inbound) => number {
  return (name) => Math.max(0, (after[name] ?? 0) - (before[name] ?? 0));
}

export function compare(before: Inbound, after: Inbound, snapshot: StatsSnapshot): LocalStats {
  const { transport, roundTrip, presentMs, relay } = snapshot;
  const difference = growth(before, after);
  const seconds = Math.max(1e-3, difference("timestamp") / 1000);
  const per = (amount: number, count: number) => (count > 0 ? amount / count : 0);
  return {
    transport,
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
  #before: StatsSnapshot | null = null;

  sample(snapshot: StatsSnapshot): LocalStats | null {
    const before = this.#before;
    this.#before = snapshot;
    if (!before?.inbound || !snapshot.inbound || before.transport !== snapshot.transport) return null;
    if (snapshot.inbound.timestamp < before.inbound.timestamp) return null;
    return compare(before.inbound, snapshot.inbound, snapshot);
  }
}

/**
 * Detects frames that cannot be decoded without a key frame. The browser's own picture loss indications reach aiortc
 * but not our encoder, so the view counts them and requests the key frame over `control`.
 */
export class FrameLossMonitor {
  #before: Inbound | null = null;
  #stuckSnapshots = 0;

  update(now: Inbound): boolean {
    const before = this.#before;
    this.#before = now;
    if (before === null) return false;
    const grew = (name: keyof Inbound) => (now[name] ?? 0) > (before[name] ?? 0);
    this.#stuckSnapshots = grew("framesReceived") && !grew("framesDecoded") ? this.#stuckSnapshots + 1 : 0;
    if (this.#stuckSnapshots >= 2) {
      this.#stuckSnapshots = 0;
      return true;
    }
    return grew("pliCount");
  }
}

/** What the browser has counted on a peer connection. */
export async function takeSnapshot(connection: RTCPeerConnection, presentMs: number | null): Promise<StatsSnapshot> {
  const snapshot: StatsSnapshot = { transport: "webrtc", inbound: null, roundTrip: null, presentMs, relay: null };
  let pair: string | null = null;
  const stats = await connection.getStats().catch(() => null);
  stats?.forEach((entry) => {
    if (entry.type === "inbound-rtp" && entry.kind === "video") snapshot.inbound = entry as Inbound;
    if (entry.type === "candidate-pair" && entry.nominated && typeof entry.currentRoundTripTime === "number")
      snapshot.roundTrip = entry.currentRoundTripTime;
    if (entry.type === "transport" && entry.selectedCandidatePairId) pair = entry.selectedCandidatePairId;
  });
  const used = pair === null ? undefined : stats?.get(pair);
  const [local, remote] = [stats?.get(used?.localCandidateId), stats?.get(used?.remoteCandidateId)];
  if (local?.candidateType === "relay") snapshot.relay = local.relayProtocol ?? "udp";
  else if (remote?.candidateType === "relay") snapshot.relay = "udp";
  return snapshot;
}
