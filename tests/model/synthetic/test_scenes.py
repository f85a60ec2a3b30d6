"""The synthetic world: seeds, disjoint splits, and the properties of looks and sounds."""

import numpy as np
import pytest
import torch

from c3n_model.network.consensus import label_similarity
from c3n_model.synthetic import world
from c3n_model.synthetic.scenes import CLIP_SECONDS, labelled_picture, make_demo_scene, make_scene


def test_the_same_seed_is_the_same_scene():
    first, second = (make_scene("ms3", 4, "train", 7) for _ in range(2))
    assert first.sounding == second.sounding
    assert np.array_equal(first.picture(2.9)[0], second.picture(2.9)[0])
    assert np.array_equal(first.sound(), second.sound())


def test_splits_and_seeds_differ():
    pictures = {
        make_scene("s4", seed, split, 0).picture(0.9)[0].tobytes()
        for seed in (0, 1)
        for split in ("train", "val", "test")
    }
    assert len(pictures) == 6


def test_s4_sounds_all_the_time_and_masks_what_sounds():
    for index in range(20):
        scene = make_scene("s4", 0, "val", index)
        (label,) = scene.sounding[0]
        assert scene.sounding == (frozenset([label]),) * CLIP_SECONDS
        rgb, mask = scene.picture(0.9)
        assert rgb.shape == (224, 224, 3)
        assert rgb.dtype == np.uint8
        assert 0.005 < mask.mean() < 0.6


def test_ms3_has_silence_overlap_lookalikes_and_sounds_out_of_view():
    scenes = [make_scene("ms3", 0, "train", index) for index in range(60)]
    seconds = [(now, {actor.label for actor in scene.actors}) for scene in scenes for now in scene.sounding]
    assert any(not now for now, _ in seconds)
    assert any(len(now & visible) > 1 for now, visible in seconds)
    assert any(now and not now & visible for now, visible in seconds)
    assert any(now and any(label ^ 1 in visible - now for label in now) for now, visible in seconds)


def test_silent_seconds_are_quiet_and_masks_empty():
    scene = make_demo_scene()
    sound = scene.sound().reshape(scene.seconds, world.SAMPLE_RATE)
    for second, now in enumerate(scene.sounding):
        level = 20 * np.log10(np.sqrt(np.mean(sound[second, 800:-800] ** 2)))
        assert (level < -40) == (not now), (second, level)
        if not now:
            assert not scene.picture(second + 0.9)[1].any()


@pytest.mark.parametrize("label", range(len(world.VISUAL_LABELS)))
def test_painting_covers_its_mask(label):
    random = np.random.default_rng(label)
    before = np.full((80, 100, 3), 128, np.uint8)
    after = before.copy()
    covered = world.paint(after, world.random_look(label, random), (50, 40), (20, 20), 0.3)
    changed = (after != before).any(axis=-1)
    assert covered.sum() > 300
    assert (changed & ~covered).sum() < 0.35 * covered.sum()  # only the antialiased rim
    assert (changed & covered).sum() > 0.8 * covered.sum()


def test_embeddings_make_the_promised_similarities():
    similarity = label_similarity(*map(torch.from_numpy, world.label_embeddings()))
    assert similarity.diagonal().tolist() == pytest.approx([1.0] * 8, abs=1e-4)
    assert similarity[0, 1].item() == pytest.approx(0.2, abs=1e-2)
    assert similarity[0, 2].item() == pytest.approx(0.04, abs=1e-2)
    assert similarity[8].abs().max().item() == 0


def test_every_second_labelled_picture_shows_other_objects_too(monkeypatch):
    painted = []
    monkeypatch.setattr(world, "paint", lambda rgb, look, *_: painted[-1].append(look.label))
    random = np.random.default_rng(0)
    for number in range(200):
        painted.append([])
        labelled_picture(number % 8, random, 64)
    assert all(number % 8 in labels and len(set(labels)) == len(labels) for number, labels in enumerate(painted))
    assert 70 < sum(len(labels) == 1 for labels in painted) < 130 and max(map(len, painted)) == 4
    painted.append([])
    for label in range(8):
        labelled_picture(label, random, 64, alone=True)
    assert painted[-1] == list(range(8))
