"""Thumbnails of sessions: their present frame as a small JPEG."""

from __future__ import annotations

import asyncio

from jupyter_server.auth.decorator import authorized
from tornado import web

from openspace_server.jupyter.base import RestHandler

WIDTH = 480
QUALITY = 75


class ThumbnailHandler(RestHandler):
    """``/sessions/{id}/thumbnail``: JPEG."""

    @web.authenticated
    @authorized
    async def get(self, session: str) -> None:
        message = await (await self.orchestrator()).frame(self.ownership.owners, session)
        thumbnail = await asyncio.to_thread(_encode_thumbnail, message)
        self.set_header("Cache-Control", "no-store")
        self.finish(thumbnail, set_content_type="image/jpeg")


def _encode_thumbnail(message: bytes) -> bytes:
    import cv2  # slow to import, and rarely needed

    from openspace_server.protocols import arrays

    _, array = arrays.decode(message)
    height = max(1, round(array.shape[0] * WIDTH / array.shape[1]))
    small = cv2.resize(array, (WIDTH, height), interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return bytes(encoded.tobytes())
