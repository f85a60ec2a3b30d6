"""Several sources of the zero-shot network: pairs of other sounds, other objects and other pixels."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from toy_zero_shot import BOXED, SAMPLES, SECOND_NS, SOUNDS, make_network

from c3n_model.config import ZeroShotConfig
from c3n_model.model import Model
from c3n_model.network.consensus import Consensus, infer_consensus
from c3n_model.network.decoding import Decoding
from c3n_model.scoring.evaluate import predict
from c3n_model.streaming.session import Session
from c3n_model.types import Frame, Window
from c3n_model.zero_shot.detections import Detections
from c3n_model.zero_shot.further import EMPTY, PRESENT, explained_by, further_sources
from c3n_model.zero_shot.logit_statistics import LogitStatistics
from c3n_model.zero_shot.masks import View

LABELS = ("dog", "wolf", "person", "door")
# Sounds bark, growl, speech, slam.
SIMILARITY = torch.tensor([[1.0, 0.5, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.5, 1.0]])
LEFT, RIGHT = (slice(None), slice(0, 4)), (slice(None), slice(4, 8))


class Chooser:
    """The parts of a `ZeroShot` that find a pair, without evidence; each object is where `places` says."""

    similarity = SIMILARITY

    def __init__(self, places, max_sources=2):
        self.places, self.max_sources, self.drawn = places, max_sources, []

    def agree(self, audio_logits, visual_logits, memory, allowed):
        return infer_consensus(audio_logits, visual_logits, self.similarity.where(allowed, 0.0), alpha=0.3, beta=0.3)

    def mask_of(self, views, visual_classes):
        label = LABELS[int(visual_classes)]
        self.drawn.append(label)
        return place(self.places[label])[None], (None,)


def place(where):
    logits = torch.full((4, 8), EMPTY)
    logits[where] = 5.0
    return logits


def sources(chooser, audio, visual):
    """The label and the presence of the best pair and of those after it."""
    audio, visual = torch.tensor([audio]), torch.tensor([visual])
    best = infer_consensus(audio, visual, SIMILARITY, alpha=0.3, beta=0.3)
    logits = place(chooser.places[LABELS[int(best.visual_class)]])
    decoding = Decoding(logits[None], audio, visual, best, best.consensus)
    others = further_sources(chooser, [View(torch.zeros(3, 4, 8), None, None)], decoding, None, None)
    return [LABELS[int(found.consensus.visual_class)] for found in (decoding, *others) if found.presence > 0]


def test_another_sound_of_another_object_elsewhere_is_a_second_source():
    chooser = Chooser({"dog": LEFT, "person": RIGHT})
    assert sources(chooser, [2.0, -9.0, 2.0, -9.0], [3.0, -9.0, 2.5, -9.0]) == ["dog", "person"]
    chooser.max_sources = 1
    assert sources(chooser, [2.0, -9.0, 2.0, -9.0], [3.0, -9.0, 2.5, -9.0]) == ["dog"]


def test_a_sound_that_the_first_object_makes_is_no_second_source():
    chooser = Chooser({"dog": LEFT, "wolf": RIGHT, "person": RIGHT})
    assert sources(chooser, [2.0, 2.0, -9.0, -9.0], [3.0, 2.9, 0.0, -9.0]) == ["dog"]


def test_another_name_of_the_same_pixels_is_no_second_source_but_the_next_pair_may_be():
    same = Chooser({"dog": LEFT, "person": LEFT, "door": RIGHT}, max_sources=3)
    assert sources(same, [2.0, -9.0, 2.0, 1.8], [3.0, -9.0, 2.5, 2.3]) == ["dog", "door"]
    assert same.drawn == ["person", "door"]


def test_half_of_an_object_elsewhere_is_enough():
    half = Chooser({"dog": LEFT, "person": (slice(None), slice(2, 6))})
    assert sources(half, [2.0, -9.0, 2.0, -9.0], [3.0, -9.0, 2.5, -9.0]) == ["dog", "person"]
    most = Chooser({"dog": LEFT, "person": (slice(None), slice(1, 6))})
    assert sources(most, [2.0, -9.0, 2.0, -9.0], [3.0, -9.0, 2.5, -9.0]) == ["dog"]


def test_a_faint_pair_is_no_second_source_and_is_not_drawn():
    chooser = Chooser({"dog": LEFT, "person": RIGHT})
    assert sources(chooser, [5.0, -9.0, 0.0, -9.0], [3.0, -9.0, 0.0, -9.0]) == ["dog"] and not chooser.drawn


def test_where_the_best_pair_is_absent_nothing_else_is_sought():
    chooser = Chooser({"dog": LEFT, "person": RIGHT})
    decoding = Decoding(
        place(LEFT)[None],
        torch.tensor([[2.0, -9.0, 2.0, -9.0]]),
        torch.tensor([[3.0, -9.0, 2.5, -9.0]]),
        Consensus(torch.tensor([0]), torch.tensor([0]), *torch.rand(4, 1)),
        torch.zeros(1),
    )
    assert further_sources(chooser, [View(torch.zeros(3, 4, 8), None, None)], decoding, None, None) == ()
    assert len(further_sources(chooser, [None], replace(decoding, presence=torch.ones(1)), None, None)) == 1


def test_what_a_pair_explains():
    found = Consensus(torch.tensor([0]), torch.tensor([0]), *torch.rand(4, 1))
    explained = explained_by(found, SIMILARITY) & (SIMILARITY > 0)
    assert explained.tolist() == [[True, True, False, False], [True, True, False, False], [False] * 4, [False] * 4]


class Halves:
    """A detector with masks: a dog on the right of a bright picture, a person on the left."""

    labels = BOXED

    def __call__(self, frames):
        boxes = torch.tensor([[0.5, 0.0, 1.0, 1.0], [0.0, 0.0, 0.5, 1.0]])
        masks = torch.zeros(2, 32, 32)
        masks[0, :, 16:], masks[1, :, :16] = 1.0, 1.0
        return [Detections(boxes, torch.tensor([0.9, 0.8]), torch.tensor([0, 1]), masks) for _ in frames]


class Halved:
    """The vocabulary's segmenter of people, which finds none."""

    labels = ("background", "person")

    def __call__(self, frames):
        return torch.zeros(len(frames), 2, 8, 8)


@pytest.fixture(scope="module")
def model():
    prior = LogitStatistics(torch.zeros(3), torch.ones(3))
    network = make_network(Halved(), detector=Halves(), prior=prior, prior_weight=0.0, evidence_threshold=2.0)
    config = ZeroShotConfig(image_size=32, presence_threshold=0.3, visibility_threshold=0.0)
    return Model("toy", network, config, SOUNDS, network.vocabulary.labels)


def window(second, mean, deviation):
    """The ear hears a bark by the mean of the samples and speech by their deviation, 20 logits for 1."""
    snippet = mean + deviation * np.where(np.arange(SAMPLES) % 2, 1, -1)
    frame = Frame(np.full((40, 48, 3), 250, np.uint8), round(second * SECOND_NS))
    return Window(round(second * SECOND_NS), frame, snippet.astype(np.float32))


BOTH, BARK = (0.13, 0.13), (0.2, 0.0)


def test_a_session_names_both_each_with_its_pair_and_pixels(model):
    found = Session(model, "cpu", max_sources=2).step(window(0, *BOTH))
    assert found.mask.all() and (found.confidence > 200).all()
    pairs = {one.label: (one.audio_label, one.box, one.area) for one in found.objects}
    assert pairs == {"dog": ("bark", (24, 0, 24, 40), 960), "person": ("speech", (0, 0, 24, 40), 960)}
    assert set(found.pairs) == {("bark", "dog"), ("speech", "person")}
    numbers = {one.label: index for index, one in enumerate(found.objects, start=1)}
    assert (found.object_numbers[:, :24] == numbers["person"]).all()
    assert (found.object_numbers[:, 24:] == numbers["dog"]).all()
    assert all(one.pair.consensus >= PRESENT and one.id for one in found.objects)


def test_one_sound_is_one_source_and_one_source_is_the_default(model):
    one, two = Session(model, "cpu"), Session(model, "cpu", max_sources=2)
    for second, sound in enumerate([BARK, BARK, BOTH]):
        first, second_found = one.step(window(second, *sound)), two.step(window(second, *sound))
        assert {found.label for found in first.objects} == {first.label.visual}
        if sound is BARK:
            assert np.array_equal(first.confidence, second_found.confidence) and first.label == second_found.label
    assert len(first.objects) == 1 and len(second_found.objects) == 2
    assert model.network.max_sources == 1, "sessions of one model do not disturb each other"


def test_a_session_with_a_high_threshold_publishes_none_of_them(model):
    session = Session(model, "cpu", max_sources=2, presence_threshold=0.9)
    assert not session.step(window(0, *BOTH)).mask.any()


def test_both_shown_classes_are_kept(model):
    session = Session(model, "cpu", max_sources=2)
    session.step(window(0, *BOTH))
    labels = model.visual_labels
    assert {labels[shown] for shown in session._memory.shown} == {"dog", "person"}
    session.step(window(1, 0.0, 0.0))
    assert session._memory.shown == ()


def test_scores_are_those_of_the_published_masks(model):
    two = Session(model, "cpu", max_sources=2)
    frames, snippets = window(0, *BOTH).frame.rgb[None], window(0, *BOTH).snippet[None]
    network = two.network
    masks, decoding = predict(
        Model("toy", network, model.config, SOUNDS, model.visual_labels),
        frames,
        snippets,
        torch.device("cpu"),
        gated=True,
    )
    assert np.array_equal(masks[0] > 0.5, two.step(window(0, *BOTH)).mask) and len(decoding.others) == 1
