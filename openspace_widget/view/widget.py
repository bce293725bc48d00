"""Widget of the live view: it carries the session's id to the page, which connects to the Jupyter server itself.

Nothing that a cell waits for passes through its comm: ``state`` and ``reason`` only show the page what the kernel
knows. :mod:`~openspace_widget.view.comm_tunnel` is for pages that do not reach the server.
"""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import anywidget
import traitlets

from openspace_widget.view.observed import Observed


def _static(name: str) -> str | Path:
    """A built file: its text, or under ``make dev`` its path, which anywidget watches."""
    file = resources.files("openspace_widget.view") / "static" / name
    if not file.is_file():
        raise ImportError(
            f"openspace_widget/view/static/{name} is missing: this copy was not built. Install with `pip install .`, "
            "which builds the JavaScript."
        )
    if os.environ.get("ANYWIDGET_HMR") == "1" and isinstance(file, Path):
        return file
    return file.read_text("utf-8")


class OpenSpaceView(anywidget.AnyWidget, Observed):
    """The live view. Several views of one object, and of one session, may be shown at a time.

    Pages get a change at once. Observers are called one after the other on a thread of their own, so that they may use
    the session.
    """

    _esm = _static("widget.js")
    _css = _static("widget.css")

    session = traitlets.Unicode("", help="id of the session, a UUID").tag(sync=True)
    session_name = traitlets.Unicode("", help="the session's name for people").tag(sync=True)
    state = traitlets.Enum(
        ("starting", "running", "closed", "failed"), default_value="starting", help="what the kernel knows"
    ).tag(sync=True)
    reason = traitlets.Unicode("", help="why it failed or was closed").tag(sync=True)
    base_url = traitlets.Unicode("", help="base URL of the server; empty: the page's own").tag(sync=True)
    width_css = traitlets.Int(None, allow_none=True, help="width of the view in CSS pixels; None: all of the cell").tag(
        sync=True
    )
    aspect = traitlets.Float(16 / 9, help="width divided by height").tag(sync=True)
    still = traitlets.Unicode("", help="an image (data URL) for where there is no live view").tag(sync=True)
