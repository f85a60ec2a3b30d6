"""The demo model names two sounding objects where two sound; with one source nothing changes."""

import numpy as np
import pytest
from toy_zero_shot import SOUNDS, LeftHalf, make_network

from c3n_model.config import ZeroShotConfig
from c3n_model.loading import load_model
from c3n_model.model import Model
from c3n_model.streaming.segment import segment
from c3n_model.streaming.session import Session
from c3n_model.synthetic import world
from c3n_model.synthetic.scenes import make_demo_scene
from c3n_model.synthetic.source import SceneSource

SIZE = (120, 160)


@pytest.fixture(scope="module")
def seconds():
    """Each second of the demo scene: true labels, true mask, and what is found with one, and with two sources."""
    scene, model = make_demo_scene(), load_model("demo")
    runs = [
        list(
            segment(SceneSource(scene, height=SIZE[0], width=SIZE[1], frame_rate=15), Session(model, max_sources=most))
        )
        for most in (1, 2)
    ]
    found = []
    for one, two in zip(*runs, strict=True):
        at = one.stamp_ns / 1e9
        labels = {world.VISUAL_LABELS[label] for label in scene.sounding[int(at)]}
        found.append((labels, scene.picture(at, *SIZE)[1], one, two))
    return found


def iou(mask, truth):
    return (mask & truth).sum() / (mask | truth).sum()


def test_where_two_sound_both_are_found_and_each_has_its_own_name(seconds):
    both = [entry for entry in seconds if len(entry[0]) == 2]
    assert len(both) == 2
    for labels, truth, one, two in both:
        assert iou(two.mask, truth) >= 0.70 > iou(one.mask, truth)
        assert {found.label for found in two.objects} == labels


def test_until_two_sound_nothing_changes(seconds):
    for labels, _, one, two in seconds:
        if len(labels) == 2:
            break
        assert np.array_equal(one.confidence, two.confidence)
        assert [found.label for found in one.objects] == [found.label for found in two.objects]


def test_a_network_that_names_one_refuses():
    network = make_network(LeftHalf())
    model = Model("toy", network, ZeroShotConfig(image_size=32), SOUNDS, network.vocabulary.labels)
    Session(model, "cpu", max_sources=1)
    with pytest.raises(ValueError, match="max_sources is 2"):
        Session(model, "cpu", max_sources=2)
    with pytest.raises(ValueError, match="got 0"):
        Session(load_model("demo"), "cpu", max_sources=0)
