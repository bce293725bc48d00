"""Deprecated import path of :class:`openspace_widget.LiveTraits`."""

from openspace_widget.deprecation import deprecated_names

__getattr__ = deprecated_names(__name__, {"LiveTraits": "openspace_widget.LiveTraits"})
