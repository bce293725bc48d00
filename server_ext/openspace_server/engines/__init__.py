"""Engines: renderers that keep the contract of :mod:`openspace_server.engines.base`."""
