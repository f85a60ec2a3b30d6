"""The visual prior's recipe, and the table that is shipped."""

from pathlib import Path

import numpy as np
import pytest
import torch
from colour_classifier import RedOrBlue

import c3n_model.zero_shot
from c3n_model.labels.sound_sources import imagenet_nouns, sound_sources
from c3n_model.zero_shot.logit_statistics import SMALLEST_DEVIATION, read_statistics
from c3n_model.zero_shot.visual_prior import FEWEST_PICTURES, measure_visual_prior
from c3n_model.zero_shot.vocabulary import CLASSIFIED_NOUNS

CLASSES = 1000


class Dogs(RedOrBlue):
    """A classifier of 1000 classes: red is the first breed of dogs, blue a class that is no noun's, other colours the last class."""

    num_classes = CLASSES

    def _head(self, maps):
        dog = imagenet_nouns()["dog"][0]
        logits = torch.zeros(len(maps), CLASSES)
        logits[:, [dog, 999]] = super()._head(maps)[:, [0, 2]]
        return logits


def pictures(grey: int, red: int) -> list[np.ndarray]:
    found = []
    for number in range(grey + red):
        picture = np.full((40, 60, 3), 90, np.uint8)
        picture[..., 0] = 255 if number < red else 90
        found.append(picture)
    return found


def test_the_pictures_that_show_a_noun_do_not_move_its_prior():
    none, some = measure_visual_prior(Dogs(), pictures(40, 0)), measure_visual_prior(Dogs(), pictures(36, 4))
    assert len(none.mean) == len(CLASSIFIED_NOUNS)
    assert torch.allclose(none.mean, some.mean) and torch.allclose(none.deviation, some.deviation)
    assert (some.deviation == SMALLEST_DEVIATION).all()
    dog, cat = (some.mean[CLASSIFIED_NOUNS.index(noun)] for noun in ("dog", "cat"))
    assert dog > cat, "118 breeds against 5: the best window looks more like a dog on any picture"


def test_too_few_pictures_are_refused():
    with pytest.raises(ValueError, match=f"{FEWEST_PICTURES - 1} pictures"):
        measure_visual_prior(Dogs(), pictures(FEWEST_PICTURES - 1, 0))


def test_the_shipped_table_has_every_noun_that_is_searched():
    folder = Path(c3n_model.zero_shot.__file__).parent
    prior = read_statistics(folder / "visual_prior_mobilenetv2_100_tfsame.csv", CLASSIFIED_NOUNS)
    makes_sound = frozenset().union(*sound_sources().values())
    assert makes_sound & set(imagenet_nouns()) <= {*CLASSIFIED_NOUNS, "person"}
    most = {CLASSIFIED_NOUNS[index] for index in prior.mean.topk(3).indices}
    assert most & {"dog", "bird"}, "ImageNet has 118 breeds of dogs and 59 birds"
