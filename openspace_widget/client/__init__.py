"""The connection of a kernel to its session: server, sockets, background event loop."""
