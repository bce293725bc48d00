"""Vectors and rotations shared by engines and tours."""
