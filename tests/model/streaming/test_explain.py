"""Explanations: the numbers are those that decided, and what a network has not is left out."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import make_tiny_model

from c3n_model.streaming.explain import describe_explanation, explain, explain_seconds
from c3n_model.streaming.session import Session
from c3n_model.types import AudioChunk, Frame, Window


def make_window(seed=0) -> Window:
    random = np.random.default_rng(seed)
    rgb = random.integers(0, 256, (48, 64, 3), np.uint8)
    return Window(0, Frame(rgb, 900_000_000), random.uniform(-0.3, 0.3, 32000).astype(np.float32))


def make_recording(seconds):
    """Frames and sound of noise, as a camera and a microphone would bring them."""
    for tenth in range(10 * seconds + 1):
        yield replace(make_window(tenth).frame, stamp_ns=tenth * 10**8)
        samples = np.random.default_rng(tenth).uniform(-0.3, 0.3, (1600, 1)).astype(np.float32)
        yield AudioChunk(samples, 16_000, tenth * 10**8)


@pytest.mark.parametrize(("alpha", "scores"), [(0.1, "logits"), (0.5, "logits"), (0.5, "sigmoid")])
def test_the_numbers_are_those_that_decided(alpha, scores):
    model = make_tiny_model(alpha=alpha, beta=0.25, audio_scores=scores)
    window = make_window()
    found = explain(window, Session(model, "cpu"))
    label = Session(model, "cpu").step(window).label
    assert found.segmentation.label == label == found.pairs[0]
    assert found.audio.labels[found.audio.chosen] == label.audio
    assert found.visual.labels[found.visual.chosen] == label.visual
    assert found.audio.confidence[found.audio.chosen] == pytest.approx(label.audio_score)
    assert found.similarity[found.audio.chosen, found.visual.chosen] == pytest.approx(label.similarity)
    assert found.consensus[found.audio.chosen, found.visual.chosen] == pytest.approx(label.consensus, rel=1e-5)
    assert found.consensus.max() == found.consensus[found.audio.chosen, found.visual.chosen]
    assert found.audio.weighted == pytest.approx(found.audio.confidence**alpha)
    assert found.visual.weighted == pytest.approx(found.visual.confidence**0.25)
    values = [pair.consensus for pair in found.pairs]
    assert values == sorted(values, reverse=True)
    assert len(values) == 5


def test_the_five_most_confident_come_first():
    model = make_tiny_model()
    window = make_window()
    session = Session(model, "cpu")
    found = explain(window, session)
    confidence = session.newest.audio_logits[0].softmax(0)
    assert list(found.audio.classes[:5]) == confidence.topk(5).indices.tolist()
    assert set(found.audio.classes[5:]) <= {found.audio.classes[found.audio.chosen]}
    assert found.audio.confidence == pytest.approx(confidence[list(found.audio.classes)].numpy())


def test_attention_is_ccams():
    model = make_tiny_model(gate="standard")
    session = Session(model, "cpu")
    window = make_window()
    found = explain(window, session)
    with torch.no_grad():
        maps = model.network.attention_maps(*session.inputs(window))
    assert len(found.attention) == 4
    for shown, computed in zip(found.attention, maps, strict=True):
        for one, other in zip(shown, computed, strict=True):
            np.testing.assert_allclose(one, other[0].numpy(), atol=1e-5)


def test_consensus_is_left_out_where_it_does_not_decide():
    found = explain(make_window(), Session(make_tiny_model(consensus="visual"), "cpu"))
    assert found.audio.chosen == found.visual.chosen == 0  # CC-V, and the random labels of this network disagree
    assert found.consensus is None
    assert found.pairs == ()
    assert found.similarity is not None


def test_one_second_alone_is_the_same_as_among_all(tiny_model):
    every = dict(explain_seconds(make_recording(3), Session(tiny_model, "cpu")))
    alone = dict(explain_seconds(make_recording(3), Session(tiny_model, "cpu"), only=2))
    assert list(every) == [0, 1, 2]
    assert list(alone) == [2]
    assert describe_explanation(alone[2]) == describe_explanation(every[2])


def test_one_second_alone_remembers_the_ones_before():
    stepped = []

    class Recorded(Session):
        def step(self, window):
            stepped.append(window.start_ns // 10**9)
            return super().step(window)

    list(explain_seconds(make_recording(5), Recorded(make_tiny_model(history=3), "cpu"), only=3))
    assert stepped == [1, 2, 3]


def test_a_second_that_is_not_there(tiny_model):
    with pytest.raises(ValueError, match="second 7 .* seconds 0 to 1"):
        list(explain_seconds(make_recording(2), Session(tiny_model, "cpu"), only=7))
