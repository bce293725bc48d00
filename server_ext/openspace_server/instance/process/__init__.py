"""The instance as an operating-system process: host pipe, memory, life."""
