"""Sessions: lifecycle, monitoring, limits, snapshots, notifications."""
