"""Streaming: frames are encoded once per layer and fanned out to all viewers."""
