"""How good the masks are: `metrics` counts and reduces, `evaluate` scores a split, `report/` shows it, `compare` compares two."""
