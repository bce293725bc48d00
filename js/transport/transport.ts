/** The contract of every transport: frames on the screen, a channel for input, and the control channel. */

import type { ControlChannel } from "../protocol/controlChannel.ts";
import type { ControlUpdate, Hello, RemoteState, RemoteStats } from "../protocol/messages.ts";
import type { StatsSnapshot } from "./statistics.ts";
import type { TransportName, TransportVariant } from "./transports.ts";

/** The part of RTCDataChannel and WebSocket that sends. */
export interface MessageSender {
  readonly readyState: unknown;
  send(text: string): void;
}

/** A data channel has its state as a word, a WebSocket as a number. */
export function isOpen(channel: MessageSender): boolean {
  return channel.readyState === "open" || channel.readyState === 1;
}

/** Where transports show their frames. The last frame stays after `signal` has ended, until the next one. */
export interface FrameSink {
  /** `onPresented` is called with every frame that was shown. */
  playStream(stream: MediaStream, onPresented: OnPresented, signal: AbortSignal): void;
  /** A surface for images; the result paints one on it. */
  openImages(onPresented: OnPresented, signal: AbortSignal): PaintImage;
  /** A surface for decoded frames; the result takes ownership of a frame and closes it. */
  openFrames(onPresented: OnPresented, signal: AbortSignal): ShowFrame;
}

/** `milliseconds` from decoding to presentation. */
export type OnPresented = (milliseconds: number) => void;
export type ShowFrame = (frame: VideoFrame) => void;
export type PaintImage = (image: CanvasImageSource, width: number, height: number) => void;

/** A connection to an instance; it lives as long as the signal it was made with. */
export interface Transport {
  readonly name: TransportName;
  /** As of the last snapshot. */
  readonly variant: TransportVariant;
  /** Null until it is open. */
  readonly control: ControlChannel | null;
  readonly input: MessageSender | null;
  /** Null until the instance has sent it. */
  readonly hello: Hello | null;
  takeSnapshot(): Promise<StatsSnapshot>;
  /** Whether frames arrive that cannot be shown; asked with every snapshot. */
  needsKeyFrame(snapshot: StatsSnapshot): boolean;
  /** Stops the frames and keeps the channels; false where that is not possible. */
  pause(): boolean;
  resume(): void;
}

export interface TransportListener {
  onHello(hello: Hello): void;
  onInput(channel: MessageSender): void;
  onState(state: RemoteState): void;
  onStats(stats: RemoteStats): void;
  onControl(update: ControlUpdate): void;
  onPresented(): void;
  /** Nothing follows; called at most once. */
  onLost(reason: string): void;
}
