"""Astronomy of the embedded engine: bodies, ephemerides, rotation, reference frames, time."""
