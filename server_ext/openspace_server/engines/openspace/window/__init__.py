"""Window of an OpenSpace: X display, size, capture, and the live view."""
