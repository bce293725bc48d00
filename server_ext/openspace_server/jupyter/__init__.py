"""The Jupyter server extension: REST, WebSockets and pages in front of the orchestrator."""
