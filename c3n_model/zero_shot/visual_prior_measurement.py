"""Measure the visual prior of an image classifier on pictures whose contents nobody has to know.

The tables `visual_prior_<weights>.csv` beside this file were made so. Some pictures show a noun; those that the classifier itself names
so, seen as a whole, are left out for that noun.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from c3n_model.network.fusion import upsample
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.preprocess import frames_to_tensor
from c3n_model.zero_shot.glimpses import best_windows
from c3n_model.zero_shot.visual_prior import SMALLEST_EXCESS, TAIL, VisualPrior
from c3n_model.zero_shot.vocabulary import CLASSIFIED_NOUNS, classes_of_nouns
from c3n_model.zero_shot.zero_shot import CLASSIFY_SIZE

IMAGE_SIZE = 512  # pixels, to which pictures are squashed before the search, as the default `image_size` does
SHOWS = 0.5  # probability of a noun on the whole picture above which the picture is taken to show it
FEWEST_PICTURES = 100  # with fewer, single pictures would decide: the tail of a noun has a tenth of them


@torch.no_grad()
def measure_visual_prior(encoder: VisualEncoder, pictures: Iterable[np.ndarray]) -> VisualPrior:
    """Measure the prior of an image classifier for CLASSIFIED_NOUNS on pictures uint8 (H, W, 3), as different as possible.

    Raises:
        ValueError: fewer than FEWEST_PICTURES pictures.
    """
    members = classes_of_nouns(CLASSIFIED_NOUNS)
    found, shown = [], []
    for picture in pictures:
        frame = frames_to_tensor(picture[None], IMAGE_SIZE)[0]
        whole = encoder(upsample(frame[None], (CLASSIFY_SIZE, CLASSIFY_SIZE)))[1].softmax(dim=1)[0].cpu()
        found.append(best_windows(encoder, frame, members)[0].cpu())
        shown.append(members.float() @ whole > SHOWS)
    check_number(len(found))
    return tail_of(torch.stack(found), torch.stack(shown))


def check_number(pictures: int) -> None:
    """Raise ValueError for fewer than FEWEST_PICTURES pictures."""
    if pictures < FEWEST_PICTURES:
        raise ValueError(
            f"{pictures} pictures; expected at least {FEWEST_PICTURES}, as different from each other as possible"
        )


def tail_of(best: Tensor, shown: Tensor) -> VisualPrior:
    """Return the prior from the log-probabilities (pictures, n) of best windows, without the pictures that show a noun, bool
    (pictures, n). Of a noun that too many pictures show, all are used."""
    few = (~shown).sum(dim=0) < FEWEST_PICTURES / 2
    left = best.masked_fill(shown & ~few, torch.nan)
    usual = left.nanquantile(1 - TAIL, dim=0)
    excess = (left - usual).masked_fill(~(left > usual), torch.nan).nanmean(dim=0)
    return VisualPrior(usual, excess.nan_to_num(SMALLEST_EXCESS).clamp(min=SMALLEST_EXCESS))
