"""AVSBench: its releases, read, checked and made."""
