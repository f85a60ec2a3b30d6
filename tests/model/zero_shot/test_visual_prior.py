"""The visual prior's recipe, and the table that is shipped."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from colour_classifier import RedOrBlue

import c3n_model.zero_shot
from c3n_model.labels.sound_sources import imagenet_nouns, sound_sources
from c3n_model.zero_shot.visual_prior import SMALLEST_EXCESS, VisualPrior, read_visual_prior, write_visual_prior
from c3n_model.zero_shot.visual_prior_measurement import FEWEST_PICTURES, measure_visual_prior, tail_of
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
    enough = FEWEST_PICTURES
    none, some = (measure_visual_prior(Dogs(), pictures(enough - red, red)) for red in (0, enough // 4))
    assert len(none.usual) == len(CLASSIFIED_NOUNS)
    assert torch.allclose(none.usual, some.usual) and torch.allclose(none.excess, some.excess)
    assert (some.excess == SMALLEST_EXCESS).all()
    dog, cat = (some.usual[CLASSIFIED_NOUNS.index(noun)] for noun in ("dog", "cat"))
    assert dog > cat, "118 breeds against 5: the best window looks more like a dog on any picture"


def test_rarity_is_how_few_pictures_look_as_much_like_it():
    """For an exponential tail minus the logarithm of the fraction of pictures above a value, here known exactly."""
    pictures = 20_000
    above = (torch.arange(pictures) + 0.5) / pictures  # fraction of the pictures above each
    best = torch.stack([-9 - 0.8 * above.log(), -4 - 2.0 * above.log()], dim=1)
    prior = tail_of(best, torch.zeros_like(best, dtype=torch.bool))
    assert prior.excess.tolist() == pytest.approx([0.8, 2.0], rel=0.02)
    for fraction in (0.1, 0.01, 0.001):
        found = prior.rarity(torch.tensor([-9 - 0.8 * math.log(fraction), -4 - 2.0 * math.log(fraction)]))
        assert found.tolist() == pytest.approx([-math.log(fraction)] * 2, abs=0.1)


def test_a_noun_that_nearly_all_pictures_show_keeps_them():
    best = torch.linspace(-5, -1, FEWEST_PICTURES)[:, None]
    shown = torch.ones_like(best, dtype=torch.bool)
    assert tail_of(best, shown).usual == tail_of(best, ~shown).usual


def test_too_few_pictures_are_refused():
    with pytest.raises(ValueError, match=f"{FEWEST_PICTURES - 1} pictures"):
        measure_visual_prior(Dogs(), pictures(FEWEST_PICTURES - 1, 0))


def test_a_table_is_read_as_it_was_written(tmp_path):
    prior = VisualPrior(torch.tensor([-1.5, -7.25]), torch.tensor([0.5, 2.0]))
    write_visual_prior(tmp_path / "new" / "prior.csv", prior, ("dog", "grey, old cat"), "two lines\nof comment")
    again = read_visual_prior(tmp_path / "new" / "prior.csv", ("dog", "grey, old cat"))
    assert torch.equal(again.usual, prior.usual) and torch.equal(again.excess, prior.excess)
    with pytest.raises(ValueError, match="2 classes"):
        read_visual_prior(tmp_path / "new" / "prior.csv", ("dog",))


def test_the_shipped_table_has_every_noun_that_is_searched():
    folder = Path(c3n_model.zero_shot.__file__).parent
    prior = read_visual_prior(folder / "visual_prior_mobilenetv2_100_tfsame.csv", CLASSIFIED_NOUNS)
    makes_sound = frozenset().union(*sound_sources().values())
    assert makes_sound & set(imagenet_nouns()) <= {*CLASSIFIED_NOUNS, "person"}
    most = {CLASSIFIED_NOUNS[index] for index in prior.usual.topk(3).indices}
    assert most & {"dog", "bird"}, "ImageNet has 118 breeds of dogs and 59 birds"
