"""How viewers connect: WebRTC, WebSocket, the server they join at."""
