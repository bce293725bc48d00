"""Layers: the encoded streams of one drawn frame, a main one and, while a viewer needs it, a small one.

Used by the draw thread only.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from openspace_server.engines.base import Frame
from openspace_server.instance.streaming.codecs import X264, CodecChoice
from openspace_server.instance.streaming.encoder import EncodedFrame, Encoder, RawFrame, convert, scaled
from openspace_server.instance.streaming.pacing import NEVER, StreamPacing
from openspace_server.instance.streaming.stats import DrawStats

MAIN = 0
SMALL = 1

SLIGHT = 0.05
"""An encoded frame below this part of the average frame's share of the bit rate improved next to nothing."""


@dataclass(frozen=True)
class LayerSettings:
    """Bits per second, frames per second, and the sides as a part of the drawn frame's."""

    bit_rate: int
    frame_rate: int
    scale: float = 1.0


class Layer:
    """One encoded stream: its encoder and its pacing."""

    def __init__(self, settings: LayerSettings, codec: CodecChoice) -> None:
        self.settings = settings
        self.encoder = Encoder(settings.bit_rate, settings.frame_rate, codec)
        self.pacing = StreamPacing(settings.frame_rate)

    def configure(self, settings: LayerSettings) -> None:
        if settings.scale != self.settings.scale:
            self.pacing.on_drawn()
        self.settings = settings
        self.encoder.configure(settings.bit_rate, settings.frame_rate)
        self.pacing.set_rate(settings.frame_rate)

    @property
    def average_bytes(self) -> float:
        """Bytes of an average frame."""
        return self.settings.bit_rate / 8 / self.settings.frame_rate


class Layers:
    """The active layers."""

    def __init__(self, stats: DrawStats, *, stamped: bool) -> None:
        self._stats = stats
        self._stamped = stamped
        self._codec = X264
        self._active: dict[int, Layer] = {}
        self._frame: Frame | None = None
        self._input_seq = 0
        self._raw: RawFrame | None = None

    @property
    def frame_rate(self) -> int:
        """Of the fastest layer, 0 if there is none."""
        return max((layer.settings.frame_rate for layer in self._active.values()), default=0)

    @property
    def encoder_name(self) -> str:
        """The encoder of the main layer, for people."""
        layer = self._active.get(MAIN)
        return (layer.encoder.codec if layer else self._codec).name

    def configure(self, plan: Mapping[int, LayerSettings]) -> None:
        """Have exactly these layers from now on. A new one begins with a key frame of the last drawn frame."""
        for number in self._active.keys() - plan.keys():
            self._active.pop(number).encoder.close()
        for number, settings in sorted(plan.items()):
            if number in self._active:
                self._active[number].configure(settings)
            else:
                layer = self._active[number] = Layer(settings, self._codec)
                if self._frame is not None:
                    layer.pacing.on_drawn()
        self._stats.set_layers(self._active.keys())

    def use_codec(self, codec: CodecChoice) -> None:
        """Encode with ``codec`` from the next frame on, which is a key frame."""
        self._codec = codec
        for layer in self._active.values():
            layer.encoder.use(codec)

    def request_key_frame(self, number: int) -> None:
        """Make a key frame as soon as the rate limit permits; nothing if there is no such layer."""
        if number in self._active:
            self._active[number].pacing.request_key_frame()

    def on_drawn(self, frame: Frame, input_seq: int) -> None:
        """A new frame was drawn."""
        self._frame, self._input_seq, self._raw = frame, input_seq, None
        for layer in self._active.values():
            layer.pacing.on_drawn()

    def wake_at(self) -> float:
        """When the next frame is to be encoded; infinity if none is."""
        if self._frame is None:
            return NEVER
        return min((layer.pacing.wake_at() for layer in self._active.values()), default=NEVER)

    def encode(self, now: float) -> Iterator[EncodedFrame]:
        """The frames that are due, the main layer's first."""
        if self._frame is None:
            return
        for number, layer in self._active.items():
            if not layer.pacing.is_due(now):
                continue
            started = time.perf_counter()
            raw = scaled(self._converted(), layer.settings.scale, stamped=self._stamped)
            frame = layer.encoder.encode(raw, now, is_key=layer.pacing.is_key_frame_due(now), layer=number)
            self._stats.on_encoded(now, time.perf_counter() - started, frame)
            is_slight = len(frame.data) < layer.average_bytes * SLIGHT
            layer.pacing.on_encoded(now, is_key=frame.is_key, is_slight=is_slight)
            yield frame

    def close(self) -> None:
        self.configure({})

    def _converted(self) -> RawFrame:
        assert self._frame is not None
        if self._raw is None:
            self._raw = convert(self._frame.pixels, self._frame.id, self._input_seq, stamped=self._stamped)
        return self._raw
