"""Scripts: a sandboxed Lua interpreter, the ``openspace.*`` library, and the program they act on."""
