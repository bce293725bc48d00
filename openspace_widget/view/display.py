"""The view in a cell, and the still picture that stays where there is no live one: saved notebooks, exports, nbviewer.

The picture goes two ways, since no single one is shown everywhere: as ``image/png`` beside the view, and in the view's
own saved state, where it follows what was seen last.
"""

from __future__ import annotations

import base64
import contextlib
import time
import weakref
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from openspace_widget.client.event_loop import background
from openspace_widget.errors import OpenSpaceError
from openspace_widget.frames import frame as frames

if TYPE_CHECKING:
    from openspace_widget.space import OpenSpace

WIDEST = 640
"""Pixels of a kept still."""
EVERY = 5.0
"""Seconds between stills at least."""
PATIENCE = 2.0
"""Seconds that showing a running session may wait for its picture."""


class Shown:
    """How one :class:`OpenSpace` appears in cells. The space itself is only referred to weakly."""

    def __init__(self, space: OpenSpace) -> None:
        self._space = weakref.ref(space)
        self._at = -EVERY
        self._following: Any = None

    def mimebundle(self, options: dict[str, Any]) -> Any:
        """The view, and a picture where one can be had without keeping anybody waiting."""
        space = self._space()
        assert space is not None, "it is being shown"
        told = space.widget._repr_mimebundle_(**options)
        data, metadata = told if isinstance(told, tuple) else (told, {})
        data = {**(data or {}), "text/plain": repr(space)}
        shell = _shell()
        if shell is not None:
            self._follow(shell)
            if space.ready or _nobody_watches(shell):
                patience = PATIENCE if space.ready else space._session.timeout
                with contextlib.suppress(OpenSpaceError, TimeoutError):
                    picture = background().submit(self._look(space)).result(patience)
                    data["image/png"] = base64.b64encode(frames.png(picture)).decode()
        return data, metadata

    def _follow(self, shell: Any) -> None:
        """Keep the still up to date after each cell."""
        if self._following is not None:
            return
        reference = weakref.ref(self)

        def after_cell(*result: Any) -> None:
            shown = reference()
            if shown is None:
                shell.events.unregister("post_run_cell", after_cell)
            else:
                shown.keep()

        self._following = after_cell
        shell.events.register("post_run_cell", after_cell)

    def keep(self) -> None:
        """Put a new still into the view's state, unless the last one is of a moment ago; returns at once."""
        space = self._space()
        if space is None or not space.ready or time.monotonic() - self._at < EVERY:
            return
        self._at = time.monotonic()
        background().submit(self._keep(space))

    async def _keep(self, space: OpenSpace) -> None:
        with contextlib.suppress(OpenSpaceError):
            await self._look(space)

    async def _look(self, space: OpenSpace) -> np.ndarray:
        """The picture now, at most :data:`WIDEST` wide; also put into the view's state."""
        pixels, _ = await frames.grab(space._session)
        height, width = pixels.shape[:2]
        if width > WIDEST:
            pixels = cv2.resize(pixels, (WIDEST, round(height * WIDEST / width)), interpolation=cv2.INTER_AREA)
        done, jpeg = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
        if done:
            space.widget.still = f"data:image/jpeg;base64,{base64.b64encode(jpeg.tobytes()).decode()}"
        self._at = time.monotonic()
        return pixels


def _shell() -> Any:
    """The IPython that runs this cell, or None."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return None
    return get_ipython()


def _nobody_watches(shell: Any) -> bool:
    """Whether the cell was sent by a program such as nbconvert or papermill: nobody could be asked for input then, so
    nobody is kept waiting, and the picture has to be in the notebook when the cell ends."""
    parent = shell.get_parent() if hasattr(shell, "get_parent") else None
    content = (parent or {}).get("content") or {}
    return content.get("allow_stdin") is False
