"""The processes of an OpenSpace: installation, folder, start, watchdog."""
