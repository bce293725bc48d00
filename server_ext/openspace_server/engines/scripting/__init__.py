"""Scripts: a sandboxed Lua interpreter, the ``openspace.*`` library, and the script host they act on."""
