"""Render host: the supervisor answers commands, slots run instances, the gateway lets viewers in."""
