"""Picks render hosts, starts and follows sessions, recovers them. Never sees a pixel; knows nothing of Jupyter."""
