"""Protocols: all messages between processes, as typed values with encode and decode. No I/O."""
