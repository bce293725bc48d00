"""OpenSpace's own API: client, dialects, Lua, navigation, state."""
