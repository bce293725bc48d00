"""Socket plumbing shared by the gateway and the Jupyter server; knows messages, not their meaning."""
