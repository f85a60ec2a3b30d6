"""Measure the visual prior of an image classifier: how probable it finds each noun in the best window of unrelated pictures.

The best of many windows looks like a "dog" on many pictures and like a "goat" on hardly any, so what a noun's window is worth is
its distance to what pictures without it give. The tables `visual_prior_<weights>.csv` beside this file were made so, as the priors
of taggers are (`prior.prior_of`): the median over pictures, and the deviation without the tenth that deviates most. So it does not
matter that some pictures show the noun.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.preprocess import frames_to_tensor
from c3n_model.zero_shot.glimpses import best_windows
from c3n_model.zero_shot.logit_statistics import LogitStatistics
from c3n_model.zero_shot.prior import prior_of
from c3n_model.zero_shot.vocabulary import CLASSIFIED_NOUNS, classes_of_nouns

IMAGE_SIZE = 512  # pixels, to which pictures are squashed before the search, as the default `image_size` does
FEWEST_PICTURES = 30  # with fewer, single pictures would decide


@torch.no_grad()
def measure_visual_prior(encoder: VisualEncoder, pictures: Iterable[np.ndarray]) -> LogitStatistics:
    """Measure the prior of an image classifier for CLASSIFIED_NOUNS on pictures uint8 (H, W, 3), as different as possible.

    Raises:
        ValueError: fewer than FEWEST_PICTURES pictures.
    """
    members = classes_of_nouns(CLASSIFIED_NOUNS)
    frames = (frames_to_tensor(picture[None], IMAGE_SIZE)[0] for picture in pictures)
    found = [best_windows(encoder, frame, members)[0][None] for frame in frames]
    if len(found) < FEWEST_PICTURES:
        raise ValueError(
            f"{len(found)} pictures; expected at least {FEWEST_PICTURES}, as different from each other as possible"
        )
    return prior_of(found)
