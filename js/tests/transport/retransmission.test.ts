import { expect, test } from "vitest";
import { RetransmissionControl, withoutRetransmission } from "../../transport/retransmission.ts";

test("retransmission stops on congestion, and starts again after two clean seconds", () => {
  const control = new RetransmissionControl();
  let [packetsReceived, packetsLost, timestamp] = [0, 0, 0];
  const snapshot = (received: number, lost: number) => {
    packetsReceived += received;
    packetsLost += lost;
    timestamp += 250;
    return control.update({ timestamp, packetsReceived, packetsLost });
  };
  expect(snapshot(90, 10)).toBeNull();
  expect(snapshot(90, 10)).toBeNull();
  expect(snapshot(6, 4)).toBeNull();
  expect(snapshot(20, 60)).toBe(false);
  expect(snapshot(20, 60)).toBeNull();
  const clean = Array.from({ length: 7 }, () => snapshot(20, 0));
  expect(clean.every((each) => each === null)).toBe(true);
  expect(snapshot(20, 1)).toBeNull();
  const again = Array.from({ length: 8 }, () => snapshot(20, 0));
  expect(again.at(-1)).toBe(true);
  expect(snapshot(20, 60)).toBe(false);
});

test("only generic NACK feedback leaves the offer", () => {
  const lines = [
    "m=video 9 UDP/TLS/RTP/SAVPF 97 98",
    "a=rtcp-fb:97 nack",
    "a=rtcp-fb:97 nack pli",
    "a=rtcp-fb:98 nack",
  ];
  const kept = [lines[0], lines[2]];
  expect(withoutRetransmission(`${lines.join("\r\n")}\r\n`)).toBe(`${kept.join("\r\n")}\r\n`);
});
