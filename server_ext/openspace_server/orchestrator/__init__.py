"""Orchestrator: selects render hosts, starts and follows sessions, recovers them. Knows neither Jupyter nor video."""
