"""Training with sounds without a source in view: off by default and bit-equal then, by the seed alone, with empty masks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset

from c3n_model.config import TrainConfig
from c3n_model.data.avsbench import AVSBench
from c3n_model.progress import silent
from c3n_model.synthetic.synthesize import synthesize
from c3n_model.training.clips import TrainingClips
from c3n_model.training.negatives import Donors, negative_sound

CONFIG = TrainConfig(flip=False, color_jitter=False)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    for setting in ("s4", "ms3"):
        synthesize(folder, setting, {"train": 4}, seed=0, progress=silent)
    return ConcatDataset([AVSBench(folder, setting, "train", 16000) for setting in ("s4", "ms3")])


def listed(clips):
    return [paths for part in clips.datasets for paths in part.clips]


def test_without_negatives_every_clip_is_as_before(clips):
    assert TrainConfig().negatives == 0
    plain = TrainingClips(clips, 64, CONFIG)
    for index, clip in enumerate(clips):
        frames, sound, masks, has_mask = plain[1, index]
        assert torch.equal(sound, torch.from_numpy(clip.snippets)) and masks.any()
    some = TrainingClips(clips, 64, replace(CONFIG, negatives=0.5))
    for epoch in (1, 2, 3):
        for index in range(len(clips)):
            before, after = plain[epoch, index], some[epoch, index]
            assert torch.equal(before[0], after[0]) and torch.equal(before[3], after[3])
            changed = not torch.equal(before[1], after[1])
            assert changed != torch.equal(before[2], after[2]), "the masks are empty where the sound is another"
            assert not (changed and after[2].any())


def test_the_fraction_and_the_kinds_are_by_the_seed(clips):
    made = TrainingClips(clips, 32, replace(CONFIG, negatives=0.6))
    keys = [(epoch, index) for epoch in range(1, 16) for index in range(len(clips))]
    sounds = {key: made[key][1] for key in keys}
    replaced = [key for key in keys if not made[key][2].any()]
    assert 0.45 < len(replaced) / len(keys) < 0.75
    assert all(torch.equal(made[key][1], sounds[key]) for key in keys[:9])
    donated = [torch.from_numpy(clip.snippets) for clip in clips.datasets[0]]
    kinds = {"silence": 0, "absent": 0, "noise": 0}
    for key in replaced:
        sound = sounds[key]
        absent = any(torch.equal(sound, other) for other in donated)
        kinds["silence" if not sound.any() else "absent" if absent else "noise"] += 1
    assert min(kinds.values()) > 0.15 * len(replaced), kinds
    other = TrainingClips(clips, 32, replace(CONFIG, negatives=0.6, seed=1))
    assert any(not torch.equal(other[key][1], sounds[key]) for key in keys)


def test_an_absent_sound_is_of_a_class_that_is_not_in_view(clips):
    donors, random = Donors(clips.datasets), np.random.default_rng(0)
    classes = {paths.category: clip.snippets for paths, clip in zip(listed(clips)[:4], clips)}
    for paths in listed(clips):
        assert paths.in_view and paths.category in {"", *paths.in_view}
        if donors.has_absent(paths.in_view):
            for _ in range(5):
                sound = donors.absent(paths.in_view, random)
                (name,) = {name for name, known in classes.items() if np.array_equal(known, sound)} or {None}
                assert name not in paths.in_view
    assert not donors.has_absent(frozenset()), "nothing is known of it"
    assert not donors.has_absent(frozenset(classes))


def test_where_nothing_is_known_it_is_silence_or_noise():
    random, snippets = np.random.default_rng(0), np.full((5, 800), 0.1, np.float32)
    made = [negative_sound(snippets, frozenset(), Donors([]), random) for _ in range(200)]
    silent_share = np.mean([not sound.any() for sound in made])
    assert 0.35 < silent_share < 0.65
    levels = [20 * np.log10(np.sqrt(np.mean(sound**2))) for sound in made if sound.any()]
    assert -61 < min(levels) < -45 and -20 < max(levels) < -9
    assert all(sound.dtype == np.float32 and sound.shape == (5, 800) for sound in made)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"negatives": 1.0}, r"negatives is 1\.0"),
        ({"negatives": -0.1}, "negatives is -0.1"),
        ({"negatives": 0.2, "cache_features": True, "freeze_backbone": True, "color_jitter": False}, "cache_features"),
    ],
)
def test_what_cannot_be_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**settings)
