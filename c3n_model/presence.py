"""Presence: decides whether a sounding object is audible and visible, so that its mask may be published.

C3N always finds a best pair of labels, and audio-visual segmenters mark a salient object even in silence. A robot must not
react to it. A mask is therefore published only if the second is louder than silence and the network is confident that an
object sounds. For C3N this presence is the highest probability of an audio class that an object can produce (unlike
"background" or "Silence"); for the zero-shot network it is the consensus itself: heard *and* seen.

If the source is out of view, the consensus still names a visual class, but the visual classifier does not see it: its
confidence c^V (Eq. 2) is low. The zero-shot network itself computes the presence that the sound would have with its source in view.
"""

from __future__ import annotations

import numpy as np

from c3n_model.types import Presence


def loudness_dbfs(snippet: np.ndarray) -> float:
    """Compute the RMS level of samples in [-1, 1] in dBFS; -120 for digital silence."""
    power = float(np.mean(np.square(snippet, dtype=np.float64)))
    return 10 * float(np.log10(max(power, 1e-12)))


def decide_presence(
    snippet: np.ndarray,
    score: float,
    threshold: float,
    *,
    audible: float | None = None,
    visual_score: float = 1.0,
    visibility_threshold: float = 0.0,
) -> Presence:
    """Decide whether the second in `snippet` float32 (samples,) has an audible and visible source.

    Args:
        score, threshold: the network's presence in [0, 1] and its minimum.
        audible: the score that the sound would have with its source in full view, for a network whose score means heard *and*
            seen; None for one whose score means heard.
        visual_score, visibility_threshold: c^V of the named visual class in [0, 1] and its minimum.
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
