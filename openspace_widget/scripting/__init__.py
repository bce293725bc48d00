"""Scripting."""
