/** The statistics overlay. */

import type { RemoteStats } from "../connection/messages.ts";
import type { LocalStats } from "../connection/statistics.ts";
import { make } from "./dom.ts";
import { formatBitRate } from "./quality.ts";

export class StatsPanel {
  readonly root = make("div", { class: "osw-stats", role: "group", "aria-label": "Statistics", hidden: true });
  #local: LocalStats | null = null;
  #remote: RemoteStats | null = null;

  set shown(shown: boolean) {
    this.root.hidden = !shown;
    if (!shown) return;
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

  #render(): void {
    if (this.root.hidden) return;
    this.root.replaceChildren(
      ...rows(this.#local, this.#remote).flatMap(([name, value]) => [
        make("span", { class: "osw-stats-name" }, name),
        make("span", { class: "osw-stats-value" }, value),
      ]),
    );
  }
}

export function rows(local: LocalStats | null, remote: RemoteStats | null): [string, string][] {
  return [
    ["Picture", local ? `${local.width} × ${local.height}` : "–"],
    ["Frame rate", local ? `${local.frameRate.toFixed(0)} fps` : "–"],
    ["Bit rate", local ? formatBitRate(local.bitRate) : "–"],
    ["Round trip", milliseconds(local?.roundTripMs)],
    ["Jitter buffer", milliseconds(local?.jitterBufferMs)],
    ["Decode", milliseconds(local?.decodeMs)],
    ["Draw", milliseconds(remote?.draw_ms)],
    ["Encode", milliseconds(remote?.encode_ms)],
    ["Lost packets", local ? String(local.lost) : "–"],
  ];
}

function milliseconds(value: unknown): string {
  return typeof value === "number" && Number.isFinite(value) ? `${value.toFixed(1)} ms` : "–";
}
