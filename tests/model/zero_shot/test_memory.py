"""A session that hears against a prior: what is published, what is kept, what is forgotten, and plain C3IM unchanged."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_zero_shot import SAMPLES, SECOND_NS, SOUNDS, Ear, LeftHalf, make_network

from c3n_model.config import ZeroShotConfig
from c3n_model.model import Model
from c3n_model.network.consensus import infer_consensus
from c3n_model.scoring.evaluate import predict
from c3n_model.streaming.session import FORGET_SHOWN_NS, Session
from c3n_model.types import Frame, Window
from c3n_model.zero_shot.background import LEARNING_S, Background
from c3n_model.zero_shot.hearing import KEEP
from c3n_model.zero_shot.logit_statistics import LogitStatistics

PRIOR = LogitStatistics(torch.tensor([0.0, 0.0, 0.0]), torch.tensor([1.0, 1.0, 1.0]))
BRIGHT = np.full((32, 32, 3), 250, np.uint8)


def make_session(**settings):
    """The toy's people are heard by the deviation of the samples: 20 logits for a deviation of 1."""
    network = make_network(LeftHalf(), prior=PRIOR, prior_weight=0.0, evidence_threshold=2.0)
    config = ZeroShotConfig(image_size=32, presence_threshold=0.3, visibility_threshold=0.0)
    return Session(Model("toy", network, config, SOUNDS, network.vocabulary.labels), "cpu", **settings)


def window(second, level, offset=0.0):
    """A second of alternating samples, whose deviation is `level`; `offset` is their mean: a dog."""
    snippet = offset + level * np.where(np.arange(SAMPLES) % 2, 1, -1)
    return Window(round(second * SECOND_NS), Frame(BRIGHT, round(second * SECOND_NS)), snippet.astype(np.float32))


def speak(session, second, level=0.5):
    return session.step(window(second, level))


def test_speech_is_published_with_its_reason():
    found = speak(make_session(), 0)
    assert found.label.visual == "person" and found.mask.any() and found.presence.reason == "sounding"


def test_a_faint_voice_is_not_enough_evidence_with_a_person_in_view():
    session = make_session(keep_evidence=True)
    found = speak(session, 0, level=0.05)  # 1 deviation
    assert found.label.visual == "person" and found.label.visual_score > 0.5
    assert not found.mask.any() and found.presence.reason == "unsure"
    assert speak(session, 1, level=0.0).presence.reason == "silent"


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 0.5), st.sampled_from([0.0, 0.1, 0.5])), min_size=1, max_size=5), st.floats(0, 0.6)
)
def test_what_cannot_be_published_need_not_be_seen(seconds, threshold):
    thrifty, thorough = (make_session(presence_threshold=threshold, keep_evidence=keeps) for keeps in (False, True))
    for second, (level, offset) in enumerate(seconds):
        found, expected = (session.step(window(second, level, offset)) for session in (thrifty, thorough))
        assert np.array_equal(found.mask, expected.mask)
        assert found.presence.reason == expected.presence.reason
        if expected.mask.any():
            assert found.label == expected.label and found.objects == expected.objects


def test_nothing_is_looked_for_while_nothing_is_heard():
    session = make_session()
    segmenter = session.network.segmenter = CountedLeftHalf()
    speak(session, 0, level=0.05)
    speak(session, 1, level=0.0)
    assert segmenter.calls == 0
    speak(session, 2)
    assert segmenter.calls == 1


class CountedLeftHalf(LeftHalf):
    calls = 0

    def __call__(self, frames):
        self.calls += 1
        return super().__call__(frames)


def test_the_shown_class_needs_less_evidence_until_a_reset_or_a_gap():
    between = 2.0 * (1 + KEEP) / 2 / 20  # deviations of evidence between those to stay and those to begin, as a level
    session = make_session(history=1)
    assert not speak(session, 0, between).mask.any()
    assert speak(session, 1).mask.any()
    assert speak(session, 2, between).mask.any()
    session.reset()
    assert not speak(session, 3, between).mask.any()
    assert speak(session, 4).mask.any()
    assert not speak(session, 5 + FORGET_SHOWN_NS / SECOND_NS, between).mask.any()


def test_a_sound_that_stops_has_no_mask_in_the_next_second():
    session = make_session()
    assert all(speak(session, second).mask.any() for second in range(5))
    assert not speak(session, 5, level=0.01).mask.any(), "the trailing seconds speak, the newest one does not"


def test_a_learnt_background_is_no_evidence_and_louder_sounds_are():
    session = make_session(history=1)
    session.learn_background()
    for second in range(int(LEARNING_S)):
        speak(session, second)
    assert not session.background.is_learning
    session.reset()
    assert not speak(session, 100).mask.any(), "what was learnt outlives a reset"
    assert speak(session, 101, level=0.8).mask.any()


def test_a_sound_of_ten_minutes_is_still_published():
    session = make_session(history=1)
    for _ in range(20 * 60):
        session.background.hear(torch.tensor([0.0, 10.0, 10.0]), 1.0, published=False)
    assert speak(session, 0).mask.any()


@pytest.mark.parametrize("hop_s", [1.0, 0.25])
def test_overlapping_windows_count_by_their_new_sound_and_silence_does_not_count(hop_s):
    session = make_session(history=1)
    for number in range(1 + round(20 / hop_s)):
        speak(session, number * hop_s, level=0.05)
    weight = session.background.statistics.weight
    alike = Background()
    for _ in range(21):
        alike.hear(torch.zeros(3), 1.0, published=False)
    assert weight == pytest.approx(alike.statistics.weight, rel=0.01)
    for number in range(10):
        speak(session, 30 + number, level=0.0)
    assert session.background.statistics.weight == weight


def test_offline_scoring_judges_every_second_by_itself():
    session = make_session(history=1)
    frames, snippets = BRIGHT[None], window(0, 0.5).snippet[None]
    masks, _ = predict(session.model, frames, snippets, torch.device("cpu"), gated=True)
    assert np.array_equal(masks[0] > 0.5, speak(session, 0).mask)


def test_without_a_prior_results_are_unchanged():
    network = make_network(LeftHalf())
    generator = torch.Generator().manual_seed(0)
    frames, snippets = torch.rand(3, 3, 32, 32, generator=generator), torch.rand(3, SAMPLES, generator=generator)
    decoding = network.decode(network.encode(frames, snippets), torch.tensor([[False, False, True]]))
    heard = (Ear()(snippets[2:])[1] + Ear()(snippets.reshape(1, -1))[1]) / 2 - network.vocabulary.discount
    consensus = infer_consensus(heard, decoding.visual_logits, network.similarity, alpha=0.33, beta=0.25)
    assert torch.equal(decoding.audio_logits, heard)
    assert torch.equal(decoding.presence, consensus.consensus)
    assert decoding.audible is None and decoding.tagger_logits is None and network.new_memory() is None


def test_a_network_without_a_prior_has_no_background(tiny_model):
    for refused in (
        lambda: Session(tiny_model, "cpu", background=Background()),
        lambda: Session(tiny_model, "cpu").learn_background(),
    ):
        with pytest.raises(ValueError, match="zero_shot with a prior"):
            refused()
    assert Session(tiny_model, "cpu").background is None
