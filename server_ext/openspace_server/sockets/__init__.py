"""WebSocket plumbing shared by the gateway and the Jupyter server; independent of the messages' meaning."""
