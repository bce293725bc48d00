"""The instance process: an engine that draws, and a streamer that serves any number of viewers."""
