/** The best rung: a peer connection straight to the instance. */

import { ControlChannel } from "../protocol/controlChannel.ts";
import { every, sleep } from "../util/abort.ts";
import type { Link, LinkEvents, Screen, Sending } from "./transport.ts";
import type { Hello } from "../protocol/messages.ts";
import type { Way } from "./transports.ts";
import { RepairWatch } from "./retransmission.ts";
import { Signaling } from "./signaling.ts";
import { type Look, lookAt, PictureLossWatch } from "./statistics.ts";
import { Peer } from "./peerConnection.ts";

const ASK_KEY_FRAME_EVERY = 2000;
/** Signaling is closed once connected, but not before late candidates had their time. */
const SIGNALING_LINGER = 3000;

export class PeerLink implements Link {
  readonly rung = "webrtc";
  readonly #peer: Peer;
  readonly #events: LinkEvents;
  readonly #signal: AbortSignal;
  readonly #loss = new PictureLossWatch();
  readonly #repairs = new RepairWatch();
  #control: ControlChannel | null = null;
  #input: Sending | null = null;
  #hello: Hello | null = null;
  #connected = false;
  #relayed = false;
  #presentMs: number | null = null;

  /** `beside` opens a socket for input and conversation, where the sender of the picture has no data channels. */
  constructor(socket: WebSocket, beside: () => WebSocket, screen: Screen, events: LinkEvents, signal: AbortSignal) {
    this.#events = events;
    this.#signal = signal;
    const signaling: Signaling = new Signaling(
      socket,
      {
        offer: (sdp) => {
          if (!hasChannels(sdp)) this.#openBeside(beside());
          this.#peer.accept(sdp).then(
            (answer) => signaling.answer(answer),
            (error: unknown) => events.lost(`the offer was not usable: ${String(error)}`),
          );
        },
        candidate: (candidate) => void this.#peer.addCandidate(candidate),
        ice: (configuration) => this.#peer.configure(configuration),
        refused: (reason) => events.lost(reason),
        closed: (code) => {
          if (!this.#connected)
            events.lost(code === 4409 ? "the session is not running yet" : "signaling was interrupted");
        },
      },
      signal,
    );
    this.#peer = new Peer(
      {
        candidate: (candidate) => signaling.candidate(candidate),
        stream: (stream) => screen.play(stream, (milliseconds) => this.#presented(milliseconds), signal),
        channel: (channel) => this.#open(channel),
        connected: () => {
          this.#connected = true;
          void this.look();
          void sleep(SIGNALING_LINGER, signal).then(() => signaling.close());
        },
        lost: (reason) => events.lost(reason),
      },
      signal,
    );
    every(ASK_KEY_FRAME_EVERY, signal, () => {
      if (this.#connected && this.#presentMs === null) this.#control?.request("key_frame").catch(() => {});
    });
  }

  get control(): ControlChannel | null {
    return this.#control;
  }

  get input(): Sending | null {
    return this.#input;
  }

  get hello(): Hello | null {
    return this.#hello;
  }

  get way(): Way {
    return this.#relayed ? "webrtc-turn" : "webrtc";
  }

  async look(): Promise<Look> {
    const look = await lookAt(this.#peer.connection, this.#presentMs);
    this.#relayed = look.relay !== null;
    return look;
  }

  needsKeyFrame({ inbound }: Look): boolean {
    if (!this.#connected || inbound === null) return false;
    const repairs = this.#repairs.judge(inbound);
    if (repairs !== null) void this.#peer.askForRepairs(repairs);
    return this.#loss.judge(inbound) || repairs === false;
  }

  /** A peer connection that shows nothing would only cost: it is closed and made anew. */
  pause(): boolean {
    return false;
  }

  resume(): void {}

  #presented(milliseconds: number): void {
    this.#presentMs = milliseconds;
    this.#events.presented();
  }

  #open(channel: RTCDataChannel): void {
    if (channel.label === "input") {
      this.#input = channel;
      this.#events.input(channel);
    } else if (channel.label === "control") {
      this.#converse(channel, () => {});
    }
  }

  #openBeside(socket: WebSocket): void {
    const signal = this.#signal;
    socket.addEventListener("close", (event) => this.#events.lost(event.reason || "the connection was closed"), {
      signal,
    });
    signal.addEventListener("abort", () => socket.close(), { once: true });
    this.#converse(socket, () => {
      this.#input = socket;
      this.#events.input(socket);
    });
  }

  #converse(channel: RTCDataChannel | WebSocket, greeted: () => void): void {
    const events = this.#events;
    this.#control = new ControlChannel(
      channel,
      {
        onHello: (hello) => {
          this.#hello = hello;
          greeted();
          events.hello(hello);
        },
        onState: (state) => events.state(state),
        onStats: (stats) => events.stats(stats),
        onControl: (update) => events.control(update),
        onLost: (reason) => events.lost(reason),
      },
      this.#signal,
    );
  }
}

function hasChannels(sdp: string): boolean {
  return /^m=application /m.test(sdp);
}
