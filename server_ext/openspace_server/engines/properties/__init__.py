"""The property tree: what scripts and clients can read, set and watch, under OpenSpace's names."""

from openspace_server.engines.properties.owner import PropertyOwner
from openspace_server.engines.properties.property import Property, PropertyError, Visibility
from openspace_server.engines.properties.tree import PropertyTree, UnknownProperty

__all__ = ["Property", "PropertyError", "PropertyOwner", "PropertyTree", "UnknownProperty", "Visibility"]
