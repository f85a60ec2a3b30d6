"""Robustness: masks when the sound is missing or foreign, and with the faults of microphones and cameras on robots."""
