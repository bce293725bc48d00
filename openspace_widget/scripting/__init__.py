"""Properties, Lua and the OpenSpace library from Python."""
