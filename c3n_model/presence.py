"""Presence: decides whether a sounding object is audible and visible, so that its mask may be published.

C3N always finds a best pair of labels, and audio-visual segmenters mark a salient object even in silence. A robot must not
turn towards it. A mask is therefore published only if the second is louder than silence and the network is confident that an
object sounds. For C3N this presence is the highest probability of an audio class that an object can produce (unlike
"background" or "Silence"); for the zero-shot network it is the consensus itself: heard *and* seen.

If the source is out of view, the consensus still names a visual class, but the visual classifier does not see it: its
confidence c^V (Eq. 2) is low.
"""

from __future__ import annotations

import numpy as np

from c3n_model.types import Presence

SILENCE_DBFS = -60.0


def loudness_dbfs(snippet: np.ndarray) -> float:
    """Compute the RMS level of samples in [-1, 1] in dBFS; -120 for digital silence."""
    power = float(np.mean(np.square(snippet, dtype=np.float64)))
    return 10 * float(np.log10(max(power, 1e-12)))


def judge(
    snippet: np.ndarray, score: float, threshold: float, *, visual_score: float = 1.0, visibility_threshold: float = 0.0
) -> Presence:
    """Judge whether the second in `snippet` float32 (samples,) has an audible and visible source.

    Args:
        score, threshold: the network's presence in [0, 1] and its minimum.
        visual_score, visibility_threshold: c^V of the named visual class in [0, 1] and its minimum.
    """
    loudness = loudness_dbfs(snippet)
    return Presence(
        audible=loudness > SILENCE_DBFS and score >= threshold,
        score=score,
        loudness_dbfs=loudness,
        visible=visual_score >= visibility_threshold,
    )
