"""Is anything audible, and in view? The gate between a raw mask and a published one.

C3N always finds a best pair of labels, and every audio-visual segmenter paints its salient object in silence. A robot must
not turn towards that. So a mask is published only if the second is louder than silence and the network is sure enough that
something sounds. C3N's presence is the highest probability of a class that an object could make, which "background" or
"Silence" are not; the zero-shot network's is the consensus itself: heard, *and* seen.

Nor must a robot turn towards what stands in for something behind it. Where what is heard is not in view, the consensus
names a visual class all the same, but the visual classifier does not see it: its confidence c^V (Eq. 2) tells. The zero-shot
network tells itself what would have been published if it were in view.
"""

from __future__ import annotations

import numpy as np

from c3n_model.types import Presence


def loudness_dbfs(snippet: np.ndarray) -> float:
    """RMS level of samples in [-1, 1] in decibels of full scale; -120 for digital silence."""
    power = float(np.mean(np.square(snippet, dtype=np.float64)))
    return 10 * float(np.log10(max(power, 1e-12)))


def judge(
    snippet: np.ndarray,
    score: float,
    threshold: float,
    *,
    audible: float | None = None,
    visual_score: float = 1.0,
    visibility_threshold: float = 0.0,
) -> Presence:
    """Judge whether the second in `snippet` float32 (samples,) is audible and in view.

    Args:
        score: the network's presence, in [0, 1]; threshold: what it must reach.
        audible: what the score would be if the source were in plain view, of a network whose score says both "heard" and
        "seen"; None for one whose score says "heard" alone.
        visual_score: c^V of the named class; visibility_threshold: what it must reach.
    """
    loudness = loudness_dbfs(snippet)
    sure = score >= threshold
    heard = sure if audible is None else max(score, audible) >= threshold
    return Presence(
        audible=loudness > Presence.SILENCE_DBFS and heard,
        score=score,
        loudness_dbfs=loudness,
        visible=visual_score >= visibility_threshold and (audible is None or sure),
    )
