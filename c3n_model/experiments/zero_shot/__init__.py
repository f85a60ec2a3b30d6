"""The zero-shot benchmark: real images with ground-truth masks, combined with real sounds. See `bench.py`."""
