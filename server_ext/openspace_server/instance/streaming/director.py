"""Decides which streams there are and what each is made like, from who watches and what the picture should be."""

from __future__ import annotations

from typing import Protocol

from openspace_server.instance.picture_settings import PictureSettings
from openspace_server.instance.streaming.encoder import EncodedPicture
from openspace_server.instance.streaming.images import DrawnFrame, ImageFan
from openspace_server.instance.streaming.rungs import RungSettings
from openspace_server.instance.streaming.viewers import PictureFan


class Streamer(Protocol):
    """What the director directs: the draw loop."""

    def set_streams(self, wanted: dict[int, RungSettings], image_rate: int = 0) -> None: ...

    def want_key(self, rung: int) -> None: ...


class Director:
    """Lives on the event loop."""

    def __init__(self, streamer: Streamer, settings: PictureSettings, *, stamped: bool) -> None:
        self._streamer = streamer
        self._settings = settings
        self._told: tuple[dict[int, RungSettings], int] = ({}, 0)
        self.fan = PictureFan(self.decide, streamer.want_key)
        self.images = ImageFan(self.decide, stamped=stamped)

    def encoded(self, picture: EncodedPicture) -> None:
        self.fan.publish(picture)

    def drawn(self, frame: DrawnFrame) -> None:
        self.images.drawn(frame)

    def set_picture(self, settings: PictureSettings) -> None:
        """What the picture should be has changed."""
        self._settings = settings
        self.decide()

    def decide(self) -> None:
        """Tell the streamer what is wanted now, if that is anything new."""
        settings = self._settings
        rungs = {rung: RungSettings(settings.bit_rate, settings.frame_rate) for rung in self.fan.rungs}
        wanted = rungs, settings.frame_rate if self.images.watched else 0
        if wanted != self._told:
            self._told = wanted
            self._streamer.set_streams(*wanted)
