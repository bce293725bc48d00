"""What the embedded engine draws: planets, rings, stars, trails, labels; and stills of it."""
