"""The commands of `c3n`, one file each (`recording` is what two of them share): `add(commands)` declares the arguments, `run(options, command_line)` returns the
text to print. What is heavy to import is imported inside `run`, so that `c3n --help` is instant."""

from __future__ import annotations


class Unsuccessful(Exception):
    """A command did its work, and its report says that something is left to be done: printed, with exit code 1."""
