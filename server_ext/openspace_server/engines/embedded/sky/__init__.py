"""Astronomy of the embedded engine: bodies, ephemerides, rotation, frames, time."""
