"""Is anything audible? The gate between a raw mask and a published one.

C3N always finds a best pair of labels, and every audio-visual segmenter paints its salient object in silence. A robot must
not turn towards that. So a mask is published only if the second is louder than silence and the audio encoder hears one of
the classes that an object could make, which "background" or "Silence" are not.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from c3n_model.types import Presence

SILENCE_DBFS = -60.0


def loudness_dbfs(snippet: np.ndarray) -> float:
    """RMS level of samples in [-1, 1] in decibels of full scale; -120 for digital silence."""
    power = float(np.mean(np.square(snippet, dtype=np.float64)))
    return 10 * float(np.log10(max(power, 1e-12)))


def audible_score(audio_logits: Tensor, audible_classes: Tensor) -> float:
    """The highest sigmoid probability among `audible_classes` bool (K_a,); `audio_logits` (K_a,)."""
    return float(audio_logits[audible_classes].max().sigmoid())


def judge(snippet: np.ndarray, audio_logits: Tensor, audible_classes: Tensor, threshold: float) -> Presence:
    """Whether the second in `snippet` float32 (samples,) is audible; `threshold` in [0, 1] is compared to the score."""
    score, loudness = audible_score(audio_logits, audible_classes), loudness_dbfs(snippet)
    return Presence(audible=loudness > SILENCE_DBFS and score >= threshold, score=score, loudness_dbfs=loudness)
