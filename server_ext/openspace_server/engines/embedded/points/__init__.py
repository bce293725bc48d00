"""Point clouds of the embedded engine."""
