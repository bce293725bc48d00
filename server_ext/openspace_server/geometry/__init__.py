"""Directions and rotations, as engines and tours both reckon with them. Knows nothing of what they are used for."""
