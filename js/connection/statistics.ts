/** What the browser knows about the received picture, as rates between two looks. */

export interface LocalStats {
  frameRate: number;
  bitRate: number;
  width: number;
  height: number;
  jitterBufferMs: number;
  decodeMs: number;
  roundTripMs: number | null;
  lost: number;
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
  packetsLost?: number;
  pliCount?: number;
}

interface Report {
  inbound: Inbound | null;
  roundTrip: number | null;
}

export function compare(before: Inbound, after: Inbound, roundTrip: number | null): LocalStats {
  const difference = (name: keyof Inbound) => Math.max(0, (after[name] ?? 0) - (before[name] ?? 0));
  const seconds = Math.max(1e-3, difference("timestamp") / 1000);
  const per = (amount: number, count: number) => (count > 0 ? amount / count : 0);
  return {
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
  #before: Inbound | null = null;

  async sample(connection: RTCPeerConnection): Promise<LocalStats | null> {
    const { inbound, roundTrip } = await read(connection);
    const before = this.#before;
    this.#before = inbound;
    return before === null || inbound === null || inbound.timestamp < before.timestamp
      ? null
      : compare(before, inbound, roundTrip);
  }
}

/**
 * The browser's own key frame requests reach aiortc, but not our encoder: so the view looks for them and asks over
 * `control`. The same for frames that arrive and do not decode.
 */
export class PictureLossWatch {
  #before: Inbound | null = null;
  #stuck = 0;

  async needsKeyFrame(connection: RTCPeerConnection): Promise<boolean> {
    if (connection.connectionState !== "connected") return false;
    const { inbound } = await read(connection);
    return inbound !== null && this.judge(inbound);
  }

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

async function read(connection: RTCPeerConnection): Promise<Report> {
  const report: Report = { inbound: null, roundTrip: null };
  const stats = await connection.getStats().catch(() => null);
  stats?.forEach((entry) => {
    if (entry.type === "inbound-rtp" && entry.kind === "video") report.inbound = entry as Inbound;
    if (entry.type === "candidate-pair" && entry.nominated && typeof entry.currentRoundTripTime === "number")
      report.roundTrip = entry.currentRoundTripTime;
  });
  return report;
}
