"""The zero-shot benchmark: real pictures with true masks, composed with real sounds. `zero_shot.py` runs it."""
