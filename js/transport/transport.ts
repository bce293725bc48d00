/** What every rung of the ladder offers: a picture on the screen, a way for input, and a conversation. */

import type { ControlChannel } from "../protocol/controlChannel.ts";
import type { ControlUpdate, Hello, RemoteState, RemoteStats } from "../protocol/messages.ts";
import type { Rung, Way } from "./transports.ts";
import type { Look } from "./statistics.ts";

/** The part of RTCDataChannel and WebSocket that is used to send. */
export interface Sending {
  readonly readyState: unknown;
  send(text: string): void;
}

/** A data channel says it in words, a WebSocket as a number. */
export function isOpen(channel: Sending): boolean {
  return channel.readyState === "open" || channel.readyState === 1;
}

/** Where links show their pictures. What they showed last stays when `signal` ends, until the next picture. */
export interface Screen {
  /** `presented` hears of every frame that was shown, and how long that took after decoding, in milliseconds. */
  play(stream: MediaStream, presented: Presented, signal: AbortSignal): void;
  /** A surface of its own; the result paints one picture on it. */
  surface(presented: Presented, signal: AbortSignal): Paint;
  /** The same for decoded frames; the result takes them over and closes them. */
  decoded(presented: Presented, signal: AbortSignal): Show;
}

export type Presented = (milliseconds: number) => void;
export type Show = (frame: VideoFrame) => void;
export type Paint = (picture: CanvasImageSource, width: number, height: number) => void;

/** Lives as long as the signal it was made with. */
export interface Link {
  readonly rung: Rung;
  /** As of the last look. */
  readonly way: Way;
  /** Null until it is open. */
  readonly control: ControlChannel | null;
  readonly input: Sending | null;
  /** Null until the instance said it. */
  readonly hello: Hello | null;
  look(): Promise<Look>;
  /** Whether pictures arrive that cannot be shown; asked four times a second, with the look of then. */
  needsKeyFrame(look: Look): boolean;
  /** Stops the pictures and keeps the rest, where that is possible; false where it is not. */
  pause(): boolean;
  resume(): void;
}

export interface LinkEvents {
  hello(hello: Hello): void;
  input(channel: Sending): void;
  state(state: RemoteState): void;
  stats(stats: RemoteStats): void;
  control(news: ControlUpdate): void;
  presented(): void;
  /** Nothing more comes; said at most once. */
  lost(reason: string): void;
}
