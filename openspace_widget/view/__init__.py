"""The live view in a notebook cell: widget, display, traits."""
