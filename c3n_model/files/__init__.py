"""Checks for any file: recognition by its first bytes, and protection from accidental overwriting. Standard library only."""
