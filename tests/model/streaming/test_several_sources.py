"""The demo model names two sounding objects where two sound; with one source nothing changes."""

from types import SimpleNamespace

import numpy as np
import pytest

from c3n_model.loading import load_model
from c3n_model.streaming.segment import segment
from c3n_model.streaming.session import Session
from c3n_model.streaming.several_sources import SourcePicture, allow_sources
from c3n_model.synthetic import world
from c3n_model.synthetic.scenes import make_demo_scene
from c3n_model.synthetic.source import SceneSource
from c3n_model.types import UnifiedLabel

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
        assert {found.audio_label for found in two.objects} == {
            world.AUDIO_LABELS[world.VISUAL_LABELS.index(k)] for k in labels
        }


def test_until_two_sound_nothing_changes(seconds):
    for labels, _, one, two in seconds:
        if len(labels) == 2:
            break
        assert np.array_equal(one.confidence, two.confidence)
        assert [found.label for found in one.objects] == [found.label for found in two.objects]


def test_a_network_that_names_one_refuses():
    network = SimpleNamespace()
    assert allow_sources(network, 1, exported=False) is network
    with pytest.raises(ValueError, match="max_sources is 2"):
        allow_sources(network, 2, exported=False)
    with pytest.raises(ValueError, match="got 0"):
        allow_sources(network, 0, exported=False)
    several = SimpleNamespace(max_sources=1)
    with pytest.raises(ValueError, match="max_sources is 2"):
        allow_sources(several, 2, exported=True)
    assert allow_sources(several, 2, exported=False).max_sources == 2 and several.max_sources == 1


def test_a_pixel_belongs_to_the_first_source_that_has_it():
    picture = SourcePicture((4, 8), threshold=0.5)
    for visual, first, last, probability in (("dog", 0, 5, 0.8), ("person", 3, 8, 0.9)):
        plane = np.zeros((4, 8), np.float32)
        plane[:, first:last] = probability
        picture.add(plane, UnifiedLabel(visual.upper(), visual, 0.5, 0.6, 1.0, 0.7), None, None)
    objects, numbers = picture.objects()
    assert [(found.label, found.audio_label, found.area) for found in objects] == [
        ("dog", "DOG", 20),
        ("person", "PERSON", 12),
    ]
    assert (numbers[:, :5] == 1).all() and (numbers[:, 5:] == 2).all() and picture.mask.all()
    assert (picture.confidence[:, :3] == 204).all() and (picture.confidence[:, 3:] == 230).all()
    assert objects[0].pair == UnifiedLabel("DOG", "dog", 0.5, 0.6, 1.0, 0.7)


def test_without_a_source_the_mask_is_empty():
    picture = SourcePicture((4, 8), threshold=0.5)
    objects, numbers = picture.objects()
    assert not objects and not numbers.any() and not picture.mask.any() and not picture.confidence.any()
