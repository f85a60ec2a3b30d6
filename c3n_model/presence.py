"""Is anything audible, and in view? The gate between a raw mask and a published one.

C3N always finds a best pair of labels, and every audio-visual segmenter paints its salient object in silence. A robot must
not turn towards that. So a mask is published only if the second is louder than silence and the network is sure enough that
something sounds. C3N's presence is the highest probability of a class that an object could make, which "background" or
"Silence" are not; the zero-shot network's is the consensus itself: heard, *and* seen.

Nor must a robot turn towards what stands in for something behind it. Where what is heard is not in view, the consensus
names a visual class all the same, but the visual classifier does not see it: its confidence c^V (Eq. 2) tells.
"""

from __future__ import annotations

import numpy as np

from c3n_model.types import Presence

SILENCE_DBFS = -60.0


def loudness_dbfs(snippet: np.ndarray) -> float:
    """RMS level of samples in [-1, 1] in decibels of full scale; -120 for digital silence."""
    power = float(np.mean(np.square(snippet, dtype=np.float64)))
    return 10 * float(np.log10(max(power, 1e-12)))


def judge(
    snippet: np.ndarray, score: float, threshold: float, *, visual_score: float = 1.0, visibility_threshold: float = 0.0
) -> Presence:
    """Whether the second in `snippet` float32 (samples,) is audible: `score` is the network's presence, `threshold` what
    it must reach, both in [0, 1]; and in view: c^V of the named class, and what that must reach."""
    loudness = loudness_dbfs(snippet)
    return Presence(
        audible=loudness > SILENCE_DBFS and score >= threshold,
        score=score,
        loudness_dbfs=loudness,
        visible=visual_score >= visibility_threshold,
    )
