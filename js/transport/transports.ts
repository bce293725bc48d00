/** The ways a picture can come, best first, and which of them this browser has. */

export const RUNGS = ["webrtc", "websocket", "images"] as const;
/** Single images through the kernel: where there is no server to speak to, and then alone. */
export const LAST_RUNG = "comm";
/** WebRTC; H.264 over a WebSocket into WebCodecs; single images over a WebSocket; the same through the kernel. */
export type Rung = (typeof RUNGS)[number] | typeof LAST_RUNG;

/** A rung as it is really used: WebRTC may go through a TURN server. */
export type Way = Rung | "webrtc-turn";

/** What decides; a parameter for tests. */
export interface Surroundings {
  RTCPeerConnection?: unknown;
  /** Only in secure contexts: https, or localhost. */
  VideoDecoder?: unknown;
  /** For tests of the view: the rungs it may use. */
  __openspaceTransports?: unknown;
}

export function usableRungs(around: Surroundings = globalThis as Surroundings): readonly Rung[] {
  const allowed = around.__openspaceTransports;
  return RUNGS.filter((rung) => {
    if (Array.isArray(allowed) && !allowed.includes(rung)) return false;
    if (rung === "webrtc") return typeof around.RTCPeerConnection === "function";
    return rung === "images" || typeof around.VideoDecoder === "function";
  });
}
