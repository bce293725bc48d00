"""Render hosts: supervisor client, local host, agents, reconciliation."""
