"""Scripting of OpenSpace: properties, Lua, its library as Python, and events."""
