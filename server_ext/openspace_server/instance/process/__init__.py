"""The instance as an operating-system process: host pipe, engines, memory, end with its parent."""
