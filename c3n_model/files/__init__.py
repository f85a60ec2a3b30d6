"""What is true of any file: what its first bytes say it is, and that none is overwritten by accident. Standard library only."""
