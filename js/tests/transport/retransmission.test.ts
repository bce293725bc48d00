import { expect, test } from "vitest";
import { RepairWatch, withoutRepairs } from "../../transport/retransmission.ts";

test("repairs end when the road is full, and are asked for again after two calm seconds", () => {
  const watch = new RepairWatch();
  let [packetsReceived, packetsLost, timestamp] = [0, 0, 0];
  const look = (received: number, lost: number) => {
    packetsReceived += received;
    packetsLost += lost;
    timestamp += 250;
    return watch.judge({ timestamp, packetsReceived, packetsLost });
  };
  expect(look(90, 10)).toBeNull();
  expect(look(90, 10)).toBeNull();
  expect(look(6, 4)).toBeNull();
  expect(look(20, 60)).toBe(false);
  expect(look(20, 60)).toBeNull();
  const calm = Array.from({ length: 7 }, () => look(20, 0));
  expect(calm.every((each) => each === null)).toBe(true);
  expect(look(20, 1)).toBeNull();
  const again = Array.from({ length: 8 }, () => look(20, 0));
  expect(again.at(-1)).toBe(true);
  expect(look(20, 60)).toBe(false);
});

test("only the repairs leave the offer", () => {
  const lines = [
    "m=video 9 UDP/TLS/RTP/SAVPF 97 98",
    "a=rtcp-fb:97 nack",
    "a=rtcp-fb:97 nack pli",
    "a=rtcp-fb:98 nack",
  ];
  const left = [lines[0], lines[2]];
  expect(withoutRepairs(`${lines.join("\r\n")}\r\n`)).toBe(`${left.join("\r\n")}\r\n`);
});
