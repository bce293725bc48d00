"""From drawn pixels to viewers: encoded once, packets handed to each viewer."""
