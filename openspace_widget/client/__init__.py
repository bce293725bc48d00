"""Client side of a session in the kernel: server, sockets, background event loop."""
