"""Processes of an OpenSpace: installation, instance folder, start, watchdog."""
