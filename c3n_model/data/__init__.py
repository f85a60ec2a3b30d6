"""Read, check and create AVSBench data sets."""
