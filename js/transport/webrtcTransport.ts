/** The WebRTC transport: a peer connection straight to the instance. */

import { ControlChannel } from "../protocol/controlChannel.ts";
import type { Hello } from "../protocol/messages.ts";
import { every, sleep } from "../util/abort.ts";
import { PeerConnection } from "./peerConnection.ts";
import { RetransmissionControl } from "./retransmission.ts";
import { Signaling } from "./signaling.ts";
import { FrameLossMonitor, type StatsSnapshot, takeSnapshot } from "./statistics.ts";
import type { FrameSink, MessageSender, Transport, TransportListener } from "./transport.ts";
import type { TransportVariant } from "./transports.ts";

const KEY_FRAME_REQUEST_INTERVAL = 2000;
/** Signaling is closed after the connection is made, but late candidates get this long. */
const SIGNALING_LINGER = 3000;

export class WebRtcTransport implements Transport {
  readonly name = "webrtc";
  readonly #peer: PeerConnection;
  readonly #listener: TransportListener;
  readonly #signal: AbortSignal;
  readonly #frameLoss = new FrameLossMonitor();
  readonly #retransmission = new RetransmissionControl();
  #control: ControlChannel | null = null;
  #input: MessageSender | null = null;
  #hello: Hello | null = null;
  #isConnected = false;
  #isRelayed = false;
  #presentMs: number | null = null;

  /** `openMedia` opens a socket for input and control, where the sender of the video has no data channels. */
  constructor(
    socket: WebSocket,
    openMedia: () => WebSocket,
    sink: FrameSink,
    listener: TransportListener,
    signal: AbortSignal,
  ) {
    this.#listener = listener;
    this.#signal = signal;
    const signaling: Signaling = new Signaling(
      socket,
      {
        onOffer: (sdp) => {
          if (!hasDataChannels(sdp)) this.#useSocket(openMedia());
          this.#peer.answer(sdp).then(
            (answer) => signaling.sendAnswer(answer),
            (error: unknown) => listener.onLost(`the offer was not usable: ${String(error)}`),
          );
        },
        onCandidate: (candidate) => void this.#peer.addCandidate(candidate),
        onConfiguration: (configuration) => this.#peer.configure(configuration),
        onRefused: (reason) => listener.onLost(reason),
        onClosed: (code) => {
          if (!this.#isConnected)
            listener.onLost(code === 4409 ? "the session is not running yet" : "signaling was interrupted");
        },
      },
      signal,
    );
    this.#peer = new PeerConnection(
      {
        onCandidate: (candidate) => signaling.sendCandidate(candidate),
        onStream: (stream) => sink.playStream(stream, (milliseconds) => this.#presented(milliseconds), signal),
        onChannel: (channel) => this.#useChannel(channel),
        onConnected: () => {
          this.#isConnected = true;
          void this.takeSnapshot();
          void sleep(SIGNALING_LINGER, signal).then(() => signaling.close());
        },
        onLost: (reason) => listener.onLost(reason),
      },
      signal,
    );
    every(KEY_FRAME_REQUEST_INTERVAL, signal, () => {
      if (this.#isConnected && this.#presentMs === null) this.#control?.request("key_frame").catch(() => {});
    });
  }

  get control(): ControlChannel | null {
    return this.#control;
  }

  get input(): MessageSender | null {
    return this.#input;
  }

  get hello(): Hello | null {
    return this.#hello;
  }

  get variant(): TransportVariant {
    return this.#isRelayed ? "webrtc-turn" : "webrtc";
  }

  async takeSnapshot(): Promise<StatsSnapshot> {
    const snapshot = await takeSnapshot(this.#peer.connection, this.#presentMs);
    this.#isRelayed = snapshot.relay !== null;
    return snapshot;
  }

  needsKeyFrame({ inbound }: StatsSnapshot): boolean {
    if (!this.#isConnected || inbound === null) return false;
    const retransmission = this.#retransmission.update(inbound);
    if (retransmission !== null) void this.#peer.setRetransmission(retransmission);
    return this.#frameLoss.update(inbound) || retransmission === false;
  }

  /** A peer connection without a visible view only costs: it is closed, and opened again later. */
  pause(): boolean {
    return false;
  }

  resume(): void {}

  #presented(milliseconds: number): void {
    this.#presentMs = milliseconds;
    this.#listener.onPresented();
  }

  #useChannel(channel: RTCDataChannel): void {
    if (channel.label === "input") {
      this.#input = channel;
      this.#listener.onInput(channel);
    } else if (channel.label === "control") {
      this.#openControl(channel, () => {});
    }
  }

  #useSocket(socket: WebSocket): void {
    const signal = this.#signal;
    socket.addEventListener("close", (event) => this.#listener.onLost(event.reason || "the connection was closed"), {
      signal,
    });
    signal.addEventListener("abort", () => socket.close(), { once: true });
    this.#openControl(socket, () => {
      this.#input = socket;
      this.#listener.onInput(socket);
    });
  }

  #openControl(channel: RTCDataChannel | WebSocket, onHello: () => void): void {
    const listener = this.#listener;
    this.#control = new ControlChannel(
      channel,
      {
        onHello: (hello) => {
          this.#hello = hello;
          onHello();
          listener.onHello(hello);
        },
        onState: (state) => listener.onState(state),
        onStats: (stats) => listener.onStats(stats),
        onControl: (update) => listener.onControl(update),
        onLost: (reason) => listener.onLost(reason),
      },
      this.#signal,
    );
  }
}

function hasDataChannels(sdp: string): boolean {
  return /^m=application /m.test(sdp);
}
