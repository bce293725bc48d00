"""Transports: the ways in which viewers connect, WebRTC and WebSocket, and the server they join."""
