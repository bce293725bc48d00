"""The streams made of one drawn picture: the main one, and a smaller one while somebody needs it. Draw thread only."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from openspace_server.engines.base import Frame
from openspace_server.instance.streaming.codecs import X264, CodecChoice
from openspace_server.instance.streaming.encoder import EncodedPicture, Encoder, Picture, convert, scaled
from openspace_server.instance.streaming.pacing import NEVER, StreamPacing
from openspace_server.instance.streaming.stats import Stats

MAIN = 0
SMALL = 1

SLIGHT = 0.05
"""An encoded picture below this part of the average picture's share of the bit rate improved next to nothing."""


@dataclass(frozen=True)
class RungSettings:
    """Bits per second, pictures per second, and the sides as a part of the drawn picture's."""

    bit_rate: int
    frame_rate: int
    scale: float = 1.0


class Rung:
    """One stream: its encoder and its clockwork."""

    def __init__(self, settings: RungSettings, codec: CodecChoice) -> None:
        self.settings = settings
        self.encoder = Encoder(settings.bit_rate, settings.frame_rate, codec)
        self.pacing = StreamPacing(settings.frame_rate)

    def configure(self, settings: RungSettings) -> None:
        if settings.scale != self.settings.scale:
            self.pacing.drew()
        self.settings = settings
        self.encoder.configure(settings.bit_rate, settings.frame_rate)
        self.pacing.set_rate(settings.frame_rate)

    @property
    def budget(self) -> float:
        """Bytes of an average picture."""
        return self.settings.bit_rate / 8 / self.settings.frame_rate


class Rungs:
    """Makes streams, feeds them and ends them."""

    def __init__(self, stats: Stats, *, stamped: bool) -> None:
        self._stats = stats
        self._stamped = stamped
        self._codec = X264
        self._active: dict[int, Rung] = {}
        self._frame: Frame | None = None
        self._input_seq = 0
        self._picture: Picture | None = None

    @property
    def frame_rate(self) -> int:
        """Of the fastest stream, 0 if there is none."""
        return max((rung.settings.frame_rate for rung in self._active.values()), default=0)

    @property
    def encoder_name(self) -> str:
        """What encodes, as people should read it."""
        rung = self._active.get(MAIN)
        return (rung.encoder.codec if rung else self._codec).name

    def configure(self, wanted: Mapping[int, RungSettings]) -> None:
        """Exactly these streams from now on. A new one begins with a key frame of the last drawn picture."""
        for number in self._active.keys() - wanted.keys():
            self._active.pop(number).encoder.close()
        for number, settings in sorted(wanted.items()):
            if number in self._active:
                self._active[number].configure(settings)
            else:
                rung = self._active[number] = Rung(settings, self._codec)
                if self._frame is not None:
                    rung.pacing.drew()
        self._stats.streams(self._active.keys())

    def use_codec(self, codec: CodecChoice) -> None:
        """Encode with ``codec`` from the next picture on, which is a key frame."""
        self._codec = codec
        for rung in self._active.values():
            rung.encoder.use(codec)

    def want_key(self, number: int) -> None:
        """A key frame as soon as the rate limit lets it; nothing if there is no such stream."""
        if number in self._active:
            self._active[number].pacing.want_key()

    def drew(self, frame: Frame, input_seq: int) -> None:
        """There is a new picture."""
        self._frame, self._input_seq, self._picture = frame, input_seq, None
        for rung in self._active.values():
            rung.pacing.drew()

    def wake_at(self) -> float:
        """When the next picture is to be encoded; infinity if none is."""
        if self._frame is None:
            return NEVER
        return min((rung.pacing.wake_at() for rung in self._active.values()), default=NEVER)

    def encode(self, now: float) -> Iterator[EncodedPicture]:
        """What is due, the main stream first."""
        if self._frame is None:
            return
        for number, rung in self._active.items():
            if not rung.pacing.due(now):
                continue
            started = time.perf_counter()
            picture = scaled(self._converted(), rung.settings.scale, stamped=self._stamped)
            encoded = rung.encoder.encode(picture, now, key=rung.pacing.key_due(now), rung=number)
            self._stats.encoded(number, now, time.perf_counter() - started, encoded)
            rung.pacing.encoded(now, key=encoded.key, slight=len(encoded.data) < rung.budget * SLIGHT)
            yield encoded

    def close(self) -> None:
        self.configure({})

    def _converted(self) -> Picture:
        assert self._frame is not None
        if self._picture is None:
            self._picture = convert(self._frame.pixels, self._frame.id, self._input_seq, stamped=self._stamped)
        return self._picture
