"""Point clouds of the embedded engine: arrays and files, chunks, colours, drawing and picking."""
