"""Where there is no live view: notebooks run by programs, saved notebooks, a plain IPython."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("own_folders")]


def test_an_executed_notebook_keeps_a_still_of_the_view(tmp_path: Path) -> None:
    cells = [
        "%load_ext openspace_widget\nfrom openspace_widget import *",
        "space = OpenSpace(size=(320, 180))\nspace",
        "space.time.pause()\nspace.fly_to('Saturn', duration=0)\nspace.frame()",
        "%%openspace_lua\nreturn openspace.time.isPaused()",
        "space.lua('openspace.nothing()')",
        "await space.aio.fly_to('Mars', duration=0)",
        "video = Tour([Stop('Mars'), Stop('Moon', seconds=0.2)]).render(space, 'a.gif', fps=5, size=(64, 64))\nvideo",
        "tour = space.capture_tour(seconds=0.2); space.close()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.cells[4].metadata["tags"] = ["raises-exception"]
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    _, view, frame, lua, failed, arrived, video, _ = (cell.outputs for cell in notebook.cells)
    assert "application/vnd.jupyter.widget-view+json" in view[0].data
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(view[0].data["image/png"]))))
    assert shown.shape == (180, 320, 3)
    assert shown.max() > 100, "the Earth"
    assert "image/png" in frame[-1].data
    assert lua[0].data["text/plain"] == "True"
    assert failed[0].output_type == "error"
    assert "line 1" in "\n".join(failed[0].traceback)
    assert len(failed[0].traceback) == 1, "the message alone"
    assert arrived[0].data["text/plain"] == "True"
    assert "<img" in video[-1].data["text/html"]
    states = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
    assert any(state["state"].get("still", "").startswith("data:image/jpeg") for state in states)


def test_a_plain_ipython_shows_a_line_of_text() -> None:
    code = (
        "from openspace_widget import OpenSpace; space = OpenSpace(size=(320, 180)).wait(); print(space); space.close()"
    )
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "-c", code], capture_output=True, text=True, timeout=90
    )
    assert "<OpenSpace session" in done.stdout, done.stderr
    assert "RUNNING" in done.stdout
