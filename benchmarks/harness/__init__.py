"""What the benchmarks share: engines, instances, bad networks, likeness of frames, and the report."""
