"""`python -m c3n_model` is `c3n`."""

from c3n_model.cli import main

main()
