"""Experiments: the paper's tables, the zero-shot benchmark, computational cost. Imported only by `commands`."""
