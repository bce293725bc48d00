"""Render hosts: supervisor client, local host, agent connections, reconciliation."""
