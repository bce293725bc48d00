"""Deprecated import path of :class:`openspace_widget.OpenSpaceView`."""

from openspace_widget.deprecation import deprecated_names

__getattr__ = deprecated_names(__name__, {"OpenSpaceView": "openspace_widget.OpenSpaceView"})
