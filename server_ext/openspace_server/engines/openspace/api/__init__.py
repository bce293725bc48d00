"""OpenSpace through its own API: connection, dialects, navigation, state."""
