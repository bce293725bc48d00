/** The statistics panel: the video's format, then the latency of each stage from drawing to presentation. */

import type { RemoteStats } from "../protocol/messages.ts";
import type { TransportName } from "../transport/transports.ts";
import type { LocalStats } from "../transport/statistics.ts";
import { make } from "../util/dom.ts";
import { formatBitRate } from "./quality.ts";

export class StatsPanel {
  readonly root = make("div", { class: "osw-stats", role: "group", "aria-label": "Statistics", hidden: true });
  #local: LocalStats | null = null;
  #remote: RemoteStats | null = null;
  #encoder = "";

  show(isShown: boolean): void {
    this.root.hidden = !isShown;
    if (!isShown) return;
    this.#local = null;
    this.#remote = null;
    this.#render();
  }

  setLocal(local: LocalStats): void {
    this.#local = local;
    this.#render();
  }

  setRemote(remote: RemoteStats): void {
    this.#remote = remote;
    this.#render();
  }

  /** As the instance named it. */
  setEncoder(encoder: unknown): void {
    this.#encoder = typeof encoder === "string" ? encoder.replace(/^H\.264 \((.*)\)$/, "$1") : "";
    this.#render();
  }

  #render(): void {
    if (this.root.hidden) return;
    this.root.replaceChildren(
      ...rows(this.#local, this.#remote, this.#encoder).flatMap(([name, value]) => [
        make("span", { class: "osw-stats-name" }, name),
        make("span", { class: "osw-stats-value" }, value),
      ]),
    );
  }
}

const TRANSPORTS: Record<TransportName, { transport: string; codec: string }> = {
  webrtc: { transport: "WebRTC", codec: "H.264" },
  websocket: { transport: "WebSocket", codec: "H.264 (WebCodecs)" },
  images: { transport: "WebSocket", codec: "JPEG images" },
  comm: { transport: "Kernel", codec: "JPEG images" },
};

/** The video's format, then the stages of a frame in their order. */
export function rows(local: LocalStats | null, remote: RemoteStats | null, encoder = ""): [string, string][] {
  const names = local ? TRANSPORTS[local.transport] : null;
  // Single images do not pass through the instance's video encoder.
  const usedEncoder = local?.transport === "images" || local?.transport === "comm" ? "" : encoder;
  return [
    ["Transport", names ? names.transport + (local?.relay ? `, TURN over ${local.relay.toUpperCase()}` : "") : "–"],
    ["Codec", names?.codec ?? "–"],
    ...(usedEncoder ? [["Encoder", usedEncoder] as [string, string]] : []),
    ["Frame size", local ? `${local.width} × ${local.height}` : "–"],
    ["Frame rate", local ? `${local.frameRate.toFixed(0)} fps` : "–"],
    ["Bit rate", local ? formatBitRate(local.bitRate) : "–"],
    ["Draw", milliseconds(remote?.draw_ms)],
    ["Encode", milliseconds(remote?.encode_ms)],
    ["Queue", milliseconds(remote?.queue_ms)],
    ["Network, round trip", milliseconds(local?.roundTripMs)],
    ["Jitter buffer", milliseconds(local?.jitterBufferMs)],
    ["Decode", milliseconds(local?.decodeMs)],
    ["Present", milliseconds(local?.presentMs)],
    // A WebSocket loses nothing.
    ...(local?.transport === "webrtc" ? [["Lost packets", String(local.lost)] as [string, string]] : []),
  ];
}

function milliseconds(value: unknown): string {
  return typeof value === "number" && Number.isFinite(value) ? `${value.toFixed(1)} ms` : "–";
}
