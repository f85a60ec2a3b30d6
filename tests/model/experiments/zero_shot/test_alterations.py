"""Degraded images keep their true masks."""

import numpy as np
import pytest

from c3n_model.experiments.zero_shot import alterations
from c3n_model.experiments.zero_shot.scenes import Scene


def make_scene(group="p", size=(40, 60)):
    rgb = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    mask = np.zeros(size, bool)
    mask[:10, :20] = True
    return Scene("s", group, "dog", frozenset({"dog"}), rgb, mask, None)


@pytest.mark.parametrize("alteration", [alterations.darken, alterations.blur, alterations.compress])
def test_pictures_change_and_masks_do_not(alteration):
    scenes = [make_scene(), make_scene()]
    first, second = alterations.altered(scenes, alteration)
    assert first.rgb.shape == scenes[0].rgb.shape and first.rgb.dtype == np.uint8
    assert (first.rgb != scenes[0].rgb).mean() > 0.5 and (first.mask == scenes[0].mask).all()
    assert first.rgb is second.rgb  # a picture is altered, and then encoded, once
    assert (alterations.altered(scenes, alteration)[0].rgb == first.rgb).all()


def test_each_alteration():
    scene = make_scene()
    assert alterations.darken(scene.rgb, "p").mean() == pytest.approx(0.15 * scene.rgb.mean(), rel=0.05)
    large = make_scene(size=(480, 640)).rgb
    assert alterations.blur(large, "p").std() < 0.3 * large.std()
    grey = np.full((16, 16, 3), 90, np.uint8)
    assert np.abs(alterations.compress(grey, "p").astype(int) - 90).max() <= 3  # channels stay in order
    red = grey * np.array([2, 0, 0], np.uint8)
    assert alterations.compress(red, "p")[..., 0].mean() > 150


def test_rotated_left():
    (turned,) = alterations.rotated([make_scene()])
    assert turned.rgb.shape == (60, 40, 3)
    assert turned.mask[-20:, :10].all() and turned.mask.sum() == 200
