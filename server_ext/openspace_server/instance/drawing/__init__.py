"""The draw thread: draw loop, frame grabs, stills."""
