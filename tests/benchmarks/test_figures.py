"""What the benchmarks measure with: the bar code in pixels, and the likeness of pictures."""

from __future__ import annotations

import cv2
import numpy as np

from benchmarks.harness.similarity import ssim
from benchmarks.senders.scene import paint
from openspace_server.instance.streaming import stamp


def picture(seed: int = 0) -> np.ndarray:
    fine = np.random.default_rng(seed).integers(0, 255, (720, 1280, 4), np.uint8)
    return cv2.GaussianBlur(fine, (0, 0), 2)


def test_a_bar_code_painted_in_pixels_is_that_of_the_instance() -> None:
    pixels = picture()
    paint(pixels, 123_456, 0xFFFF_FFFE)
    assert stamp.read(cv2.cvtColor(pixels, cv2.COLOR_BGRA2GRAY)) == (123_456, 0xFFFF_FFFE)
    planes = cv2.cvtColor(pixels, cv2.COLOR_BGRA2YUV_I420)
    assert stamp.read(planes[:720]) == (123_456, 0xFFFF_FFFE)


def test_likeness_is_one_for_the_same_and_falls_with_damage() -> None:
    grey = cv2.cvtColor(picture(), cv2.COLOR_BGRA2GRAY)
    slightly, badly = (
        cv2.imdecode(cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 0) for quality in (90, 10)
    )
    other = cv2.cvtColor(picture(1), cv2.COLOR_BGRA2GRAY)
    assert ssim(grey, grey) == 1
    assert 1 > ssim(grey, slightly) > ssim(grey, badly) > ssim(grey, other)
