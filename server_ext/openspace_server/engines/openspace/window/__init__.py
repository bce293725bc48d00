"""The window of an OpenSpace: display, size, capture."""
