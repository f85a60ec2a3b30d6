"""Score masks: `metrics` computes metrics, `evaluate` scores a split, `report/` writes a page, `compare` compares evaluations."""
