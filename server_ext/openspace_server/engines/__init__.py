"""What draws. Each engine keeps the contract of :mod:`openspace_server.engines.base`."""
