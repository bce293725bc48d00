"""Allocation of slots: requests, placement, admission, warm pool."""
