"""The probe that the benchmarks put into pages: it reads what was painted and times what a picture shows."""

from __future__ import annotations

import base64

import cv2
import numpy as np
from playwright.sync_api import Page

from benchmarks.senders.measure import PROBE
from benchmarks.senders.scene import paint

SHOW = """async (png) => {
  const image = new Image();
  image.src = 'data:image/png;base64,' + png;
  await image.decode();
  return probe.read(image, image.naturalWidth, image.naturalHeight);
}"""
DRAG = """async (png) => {
  probe.reading = true;
  probe.keyOf = (event) => event.clientX;
  for (const x of [100, 103, 106]) window.dispatchEvent(new PointerEvent('pointermove', {clientX: x}));
  const box = document.createElement('div');
  box.className = 'renderview-wrapper';
  const image = new Image();
  box.append(image);
  document.body.append(box);
  image.src = 'data:image/png;base64,' + png;
  while (probe.presented === 0) await new Promise((done) => setTimeout(done, 5));
  return probe.latencies.length;
}"""


def png(frame: int, key: int) -> str:
    pixels = np.random.default_rng(0).integers(0, 255, (360, 640, 4), np.uint8)
    paint(pixels, frame, key)
    return base64.b64encode(cv2.imencode(".png", pixels[:, :, :3])[1].tobytes()).decode()


def test_the_probe_reads_frame_and_input_and_times_the_inputs_that_a_picture_shows(page: Page) -> None:
    page.add_init_script(PROBE)
    page.goto("about:blank")
    assert page.evaluate(SHOW, png(77, 2**32 - 5)) == [77, 2**32 - 5]
    assert page.evaluate(DRAG, png(78, 103)) == 2
    assert page.evaluate("probe.latencies.every((ms) => ms >= 0)")
