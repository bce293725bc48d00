"""The camera of the embedded engine: orbiting, input, flights, navigation states."""
