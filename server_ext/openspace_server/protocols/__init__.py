"""Ground floor: every message that crosses a process, as typed values with encode and decode. No I/O."""
