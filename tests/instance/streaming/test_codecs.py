"""The search for encoders, and their pixel formats."""

from __future__ import annotations

import numpy as np

from openspace_server.instance.streaming.codecs import probe_encoders, video_frame
from openspace_server.instance.streaming.encoder import convert


def test_encoders_work_when_their_frames_can_be_decoded() -> None:
    findings = {finding.choice.codec: finding for finding in probe_encoders(all=True)}
    assert findings["libx264"].works
    assert findings["libx264"].frame_ms > 0
    assert all(finding.works or finding.problem for finding in findings.values())


def test_nv12_holds_the_same_frame() -> None:
    planes = convert(np.random.default_rng(0).integers(0, 255, (48, 64, 4), np.uint8), 1, 0, stamped=False).planes
    as_i420 = video_frame(planes, "yuv420p").to_ndarray(format="yuv420p")
    from_nv12 = video_frame(planes, "nv12").to_ndarray(format="yuv420p")
    assert np.array_equal(as_i420, from_nv12)
