"""Studies: the paper's tables, the zero-shot benchmark, cost. Only `commands` imports them."""
