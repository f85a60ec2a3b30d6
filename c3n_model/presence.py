"""Is anything audible? The gate between a raw mask and a published one.

C3N always finds a best pair of labels, and every audio-visual segmenter paints its salient object in silence. A robot must
not turn towards that. So a mask is published only if the second is louder than silence and the network is sure enough that
something sounds. C3N's presence is the highest probability of a class that an object could make, which "background" or
"Silence" are not; the zero-shot network's is the consensus itself: heard, *and* seen.
"""

from __future__ import annotations

import numpy as np

from c3n_model.types import Presence

SILENCE_DBFS = -60.0


def loudness_dbfs(snippet: np.ndarray) -> float:
    """RMS level of samples in [-1, 1] in decibels of full scale; -120 for digital silence."""
    power = float(np.mean(np.square(snippet, dtype=np.float64)))
    return 10 * float(np.log10(max(power, 1e-12)))


def judge(snippet: np.ndarray, score: float, threshold: float) -> Presence:
    """Whether the second in `snippet` float32 (samples,) is audible: `score` is the network's presence, `threshold` what
    it must reach, both in [0, 1]."""
    loudness = loudness_dbfs(snippet)
    return Presence(audible=loudness > SILENCE_DBFS and score >= threshold, score=score, loudness_dbfs=loudness)
