"""Point clouds of the openspace engine: files that OpenSpace reads, and nodes that show them."""
