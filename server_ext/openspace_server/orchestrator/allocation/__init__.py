"""Slot allocation: requests, placement, admission, warm pool."""
