/** The transports, best first, and which of them this browser supports. */

export const TRANSPORTS = ["webrtc", "websocket", "images"] as const;
/** Images through the kernel's comm: where the Jupyter server is not reached, and then the only transport. */
export const COMM_TRANSPORT = "comm";
/** WebRTC; H.264 over a WebSocket into WebCodecs; images over a WebSocket; images through the kernel. */
export type TransportName = (typeof TRANSPORTS)[number] | typeof COMM_TRANSPORT;

/** A transport as it is in use: WebRTC may be relayed by a TURN server. */
export type TransportVariant = TransportName | "webrtc-turn";

/** What the choice depends on; a parameter for tests. */
export interface BrowserFeatures {
  RTCPeerConnection?: unknown;
  /** Only in secure contexts: https, or localhost. */
  VideoDecoder?: unknown;
  /** For tests of the view: the transports it may use. */
  __openspaceTransports?: unknown;
}

export function usableTransports(browser: BrowserFeatures = globalThis as BrowserFeatures): readonly TransportName[] {
  const allowed = browser.__openspaceTransports;
  return TRANSPORTS.filter((name) => {
    if (Array.isArray(allowed) && !allowed.includes(name)) return false;
    if (name === "webrtc") return typeof browser.RTCPeerConnection === "function";
    return name === "images" || typeof browser.VideoDecoder === "function";
  });
}
