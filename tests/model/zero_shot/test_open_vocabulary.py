"""The open-vocabulary eye: what it is asked, how often, and how what it finds joins the other models'."""

from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
import torch
from prompted import RIGHT, SAMPLES, SIDE, SOUNDS, Dogs, Prompted, TopHalves, make_eye, make_model, snippet

from c3n_model.streaming.session import Session
from c3n_model.types import NANOSECONDS_PER_SECOND, Frame, Window
from c3n_model.zero_shot.hearing import Evidence, HearingMemory
from c3n_model.zero_shot.open_vocabulary import nouns_to_look_for, rescaled, source_nouns
from c3n_model.zero_shot.sight import Sight

STILL = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
OTHER = 255 - STILL


def window(second, picture=STILL, **levels):
    start_ns = second * NANOSECONDS_PER_SECOND
    return Window(start_ns, Frame(picture, start_ns), snippet(**levels).numpy())


def test_the_prompt_are_the_nouns_of_the_best_sounds():
    labels = ("cat", "helicopter", "dog", "person")
    similarity = torch.tensor([[0.0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0], [0.5, 0, 0.5, 0]])
    logits = torch.tensor([[2.0, 1.0, 3.0, 9.0], [0.0, 5.0, -1.0, 9.0]])
    assert nouns_to_look_for(logits, None, similarity, labels) == [
        ("helicopter", "dog", "person"),
        ("person", "dog", "helicopter"),
    ]
    many = torch.eye(6)[:, :4].contiguous()
    assert nouns_to_look_for(torch.arange(6.0)[None], None, many, labels) == [("person", "dog", "helicopter")]


def test_only_evident_sounds_are_looked_for():
    similarity = torch.eye(3)
    evidence = Evidence(
        logits=torch.zeros(2, 3),
        deviations=torch.tensor([[9.0, 9.0, 1.0], [0.0, 0.0, 0.0]]),
        newest=torch.tensor([[9.0, 1.0, 9.0], [9.0, 9.0, 9.0]]),
        noise=torch.zeros(2),
    )
    assert nouns_to_look_for(torch.ones(2, 3), evidence, similarity, ("dog", "cat", "car")) == [("dog",), ()]


def test_scores_are_shifted_to_the_common_threshold():
    scores = torch.tensor([0.0, 0.05, 0.1, 0.5, 1.0])
    common = rescaled(scores, 0.1, 0.3)
    assert common[2].item() == pytest.approx(0.3) and (common.diff() > 0).all()
    assert common.min() >= 0 and common.max() <= 1
    assert torch.allclose(rescaled(scores, 0.3, 0.3), scores, atol=1e-5)


def test_all_sounding_nouns_may_be_asked_for():
    assert source_nouns(("Helicopter", "Bark", "Silence")) == tuple(
        sorted({"helicopter", "dog", "wolf", "fox", "seal"})
    )


def test_a_noun_that_no_other_model_has_is_named_and_masked():
    detector = Prompted()
    model = make_model(make_eye(detector))
    assert "helicopter" not in make_model(None).visual_labels
    found = Session(model, "cpu").step(window(0, Helicopter=1.0))
    assert detector.asked == [("helicopter",)]
    assert found.label.visual == "helicopter" and found.presence.present
    assert found.mask.any() and not found.mask[:, : SIDE // 2].any()
    (thing,) = found.objects
    assert thing.label == "helicopter"
    assert thing.score == pytest.approx(float(rescaled(torch.tensor(0.8), 0.5, 0.3)), abs=1e-4)


def test_a_box_below_the_threshold_names_nothing():
    weak = make_model(make_eye(Prompted({"helicopter": (RIGHT, 0.45)})))
    assert not Session(weak, "cpu").step(window(0, Helicopter=1.0)).mask.any()
    asked_less = make_model(make_eye(Prompted({"helicopter": (RIGHT, 0.45)}), own_score=0.4))
    assert Session(asked_less, "cpu").step(window(0, Helicopter=1.0)).label.visual == "helicopter"


def test_masks_of_the_outliner_fill_the_boxes():
    found = Session(make_model(make_eye(Prompted(), TopHalves())), "cpu").step(window(0, Helicopter=1.0))
    expected = np.zeros((SIDE, SIDE), bool)
    expected[16:32, 32:] = True
    assert (found.mask & expected).sum() / (found.mask | expected).sum() > 0.9


def test_several_sources_of_both_detectors():
    model = make_model(make_eye(Prompted(), TopHalves()), Dogs())
    found = Session(model, "cpu", max_sources=2).step(window(0, Bark=1.0, Helicopter=1.0))
    assert {thing.label for thing in found.objects} == {"dog", "helicopter"}
    right = found.object_numbers[:, SIDE // 2 + 1 :]
    (number,) = set(np.unique(right)) - {0}
    assert found.objects[number - 1].label == "helicopter"


def test_two_detectors_of_one_dog_make_one_object_with_the_outline():
    left = (0.0, 0.25, 0.5, 0.7)
    model = make_model(make_eye(Prompted({"dog": (left, 0.5), "wolf": (left, 0.3)}), TopHalves()), Dogs())
    found = Session(model, "cpu").step(window(0, Bark=1.0))
    (thing,) = found.objects
    assert thing.label == "dog" and thing.score == pytest.approx(0.9)
    assert not found.mask[SIDE // 2 :].any(), "the upper half of the eye's box"


def same(one, other):
    """Whether two results are equal to the bit."""
    if is_dataclass(one):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(same, one, other))
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


@torch.no_grad()
@pytest.mark.parametrize("prior", [True, False])
def test_an_eye_that_finds_nothing_changes_nothing(prior):
    blind = make_model(make_eye(Prompted({})), Dogs(), prior)
    without = make_model(None, Dogs(), prior, eye_labels=source_nouns(SOUNDS))
    generator = torch.Generator().manual_seed(1)
    frames, sounds = torch.rand(2, 3, SIDE, SIDE, generator=generator), torch.rand(2, SAMPLES, generator=generator)
    decoded = [
        model.network.decode(model.network.encode(frames, sounds), torch.ones(1, 2, dtype=torch.bool))
        for model in (blind, without)
    ]
    assert decoded[0].logits.isfinite().all() and same(*decoded)


def looks(seconds, every=5):
    """How often an eye looks at seconds (picture, nouns) of a session."""
    detector, sight = Prompted(), Sight()
    eye = make_eye(detector, every=every)
    for picture, nouns in seconds:
        eye.look(torch.from_numpy(picture).permute(2, 0, 1) / 255, nouns, sight)
    return len(detector.asked)


@pytest.mark.parametrize(("every", "expected"), [(1, 60), (2, 30), (5, 12), (10, 6), (60, 1)])
def test_looks_in_a_minute_of_one_sound_before_a_still_camera(every, expected):
    assert looks([(STILL, ("helicopter",))] * 60, every) == expected


def test_looks_in_a_minute_of_silence_and_of_changing_pictures_and_sounds():
    assert looks([(STILL, ())] * 60) == 0
    assert looks([(STILL, ("helicopter",)), (OTHER, ("helicopter",))] * 30) == 60
    assert looks([(STILL, ("helicopter",)), (STILL, ("dog",))] * 30) == 60
    fewer = [(STILL, ("dog", "helicopter")), (STILL, ("dog",)), (STILL, ())]
    assert looks(fewer * 20) == 10, "each fifth window is one without a noun, so the sixth"


def test_a_session_looks_for_a_new_sound_at_once_and_again_after_a_reset_or_a_gap():
    detector = Prompted()
    session = Session(make_model(make_eye(detector, TopHalves())), "cpu")
    seconds = [session.step(window(second, Helicopter=1.0)) for second in range(3)]
    assert detector.asked == [("helicopter",)]
    assert all(np.array_equal(second.mask, seconds[0].mask) and second.mask.any() for second in seconds)
    session.step(window(3, Helicopter=1.0, Bark=1.0))
    assert len(detector.asked) == 2 and set(detector.asked[1]) > {"helicopter", "dog"}
    session.reset()
    session.step(window(4, Helicopter=1.0))
    session.step(window(9, Helicopter=1.0))
    assert len(detector.asked) == 4
    session.step(window(10))
    session.step(window(11, Animal=1.0))
    assert len(detector.asked) == 4, "neither silence nor a kind has nouns"


def test_a_copy_of_the_memory_has_the_same_sight():
    memory = HearingMemory()
    assert replace(memory, shown=(1,)).sight is memory.sight, "a combined model passes on copies"


def test_without_a_memory_every_frame_is_looked_at():
    detector = Prompted()
    network = make_model(make_eye(detector), prior=False).network
    frames = torch.from_numpy(STILL).permute(2, 0, 1)[None].repeat(3, 1, 1, 1) / 255
    encoding = network.encode(frames, snippet(Helicopter=1.0).repeat(3, 1))
    network.decode(encoding, torch.ones(1, 3, dtype=torch.bool))
    assert len(detector.asked) == 3
