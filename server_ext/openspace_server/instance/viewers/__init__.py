"""Attached viewers: identity, requests, input, steering control, rate limits, uploads."""
