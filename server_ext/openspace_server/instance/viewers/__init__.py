"""Attached viewers: requests, input, roles, limits, uploads."""
