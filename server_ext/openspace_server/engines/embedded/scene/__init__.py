"""The scene of the embedded engine: planets, rings, stars, trails, labels, and stills of it."""
