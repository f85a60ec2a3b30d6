"""The commands of `c3n`, one file each (`recording` is what two of them share): `add(commands)` declares the arguments, `run(options, command_line)` returns the
text to print. What is heavy to import is imported inside `run`, so that `c3n --help` is instant."""
