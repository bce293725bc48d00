"""Display of a session in a cell: the view, and the still that saved notebooks and exports show in its place.

The still goes two ways, since no single one is shown everywhere: as ``image/png`` next to the view, and in the view's
own saved state, where it follows what was seen last.
"""

from __future__ import annotations

import base64
import contextlib
import time
import weakref
from typing import Any

import cv2
import numpy as np

from openspace_widget.client.client import Client
from openspace_widget.client.event_loop import background
from openspace_widget.errors import OpenSpaceError
from openspace_widget.frames.frame import grab, png
from openspace_widget.view.widget import OpenSpaceView

WIDEST = 640
"""Pixels of a kept still."""
EVERY = 5.0
"""Seconds between stills at least."""
PATIENCE = 2.0
"""Seconds that showing a running session may wait for its still."""


class Display:
    """How one :class:`OpenSpace` appears in cells, which owns this: without it no further stills are made."""

    def __init__(self, client: Client, view: OpenSpaceView) -> None:
        self._client = client
        self._view = view
        self._at = -EVERY
        self._following: Any = None

    def mimebundle(self, text: str, options: dict[str, Any]) -> Any:
        """The view, ``text`` for plain consoles, and a still where one can be had without making a person wait."""
        bundle = self._view._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        data = {**(data or {}), "text/plain": text}
        shell = _shell()
        if shell is not None:
            self._follow(shell)
            has_instance = self._client.session.state.has_instance
            if has_instance or _is_unattended(shell):
                patience = PATIENCE if has_instance else self._client.session.timeout
                with contextlib.suppress(OpenSpaceError, TimeoutError):
                    pixels = background().submit(self._make_still()).result(patience)
                    data["image/png"] = base64.b64encode(png(pixels)).decode()
        return data, metadata

    def _follow(self, shell: Any) -> None:
        """Keep the still up to date after each cell."""
        if self._following is not None:
            return
        reference = weakref.ref(self)

        def after_cell(*result: Any) -> None:
            display = reference()
            if display is None:
                shell.events.unregister("post_run_cell", after_cell)
            else:
                display.keep()

        self._following = after_cell
        shell.events.register("post_run_cell", after_cell)

    def keep(self) -> None:
        """Put a new still into the view's state, unless the last one is of a moment ago; returns at once."""
        if not self._client.session.state.has_instance or time.monotonic() - self._at < EVERY:
            return
        self._at = time.monotonic()
        background().submit(self._keep())

    async def _keep(self) -> None:
        with contextlib.suppress(OpenSpaceError):
            await self._make_still()

    async def _make_still(self) -> np.ndarray:
        """The frame now, at most :data:`WIDEST` wide; also put into the view's state."""
        pixels, _ = await grab(self._client)
        height, width = pixels.shape[:2]
        if width > WIDEST:
            pixels = cv2.resize(pixels, (WIDEST, round(height * WIDEST / width)), interpolation=cv2.INTER_AREA)
        done, jpeg = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
        if done:
            self._view.still = f"data:image/jpeg;base64,{base64.b64encode(jpeg.tobytes()).decode()}"
        self._at = time.monotonic()
        return pixels


def _shell() -> Any:
    """The IPython that runs this cell, or None."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return None
    return get_ipython()


def _is_unattended(shell: Any) -> bool:
    """Whether the cell was sent by a program such as nbconvert or papermill, which allows no input: no person waits
    then, and the still has to be in the notebook when the cell ends."""
    parent = shell.get_parent() if hasattr(shell, "get_parent") else None
    content = (parent or {}).get("content") or {}
    return content.get("allow_stdin") is False
