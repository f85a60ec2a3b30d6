"""Evidence of sounds against prior and background, by hand."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from c3n_model.network.consensus import Consensus, infer_consensus
from c3n_model.zero_shot.hearing import (
    BACKGROUND_ALONE,
    BACKGROUND_ALONE_FACTOR,
    CONSENSUS_RELIEF,
    EVIDENCE_RELIEF,
    KEEP,
    PERSON_RELIEF,
    PERSON_SHARE,
    SOUGHT_EVIDENCE,
    SPECIFIC_EVIDENCE,
    SPECIFIC_RELIEF,
    SPECIFIC_SHARE,
    Evidence,
    HearingMemory,
    loudest_sources,
    most_presence,
    presence_of,
    weigh,
)
from c3n_model.zero_shot.logit_statistics import LogitStatistics

PRIOR = LogitStatistics(
    mean=torch.tensor([-3.0, -6.0, -8.0]), deviation=torch.tensor([0.5, 1.0, 2.0])
)  # speech, dog, motor
MOTOR = LogitStatistics(mean=torch.tensor([-5.0, -6.0, 0.0]), deviation=torch.tensor([0.3, 0.3, 0.3]))
SIMILARITY = torch.tensor(  # person, dog, wolf, fox; nothing makes the motor's sound
    [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]
)
SPECIFIC = torch.tensor([False, True, True, True])


def test_evidence_is_what_exceeds_the_prior_in_deviations():
    heard = torch.tensor([[-2.0, -6.0, -8.0]])
    evidence = weigh(heard, heard, PRIOR, prior_weight=0.5)
    assert evidence.deviations.tolist() == [[2.0, 0.0, 0.0]]
    assert evidence.logits.tolist() == [[-0.5, -3.0, -4.0]]
    assert evidence.noise.tolist() == [0.0]


def test_deviations_count_as_many_as_the_scale_says():
    """For every tagger as for the one that the thresholds were chosen for, with a known background, too."""
    heard, stricter = torch.tensor([[-2.0, -6.0, -8.0]]), replace(PRIOR, scale=2.0)
    assert weigh(heard, heard, stricter, prior_weight=0.5).deviations.tolist() == [[1.0, 0.0, 0.0]]
    with_motor = [weigh(heard, heard, prior, MOTOR, prior_weight=0.25) for prior in (PRIOR, stricter)]
    for part in ("deviations", "newest"):
        assert torch.allclose(getattr(with_motor[0], part), 2 * getattr(with_motor[1], part))
    assert torch.equal(with_motor[0].logits, with_motor[1].logits)


def test_the_background_alone_is_no_evidence():
    evidence = weigh(MOTOR.mean[None], MOTOR.mean[None], PRIOR, MOTOR, prior_weight=0.25)
    assert evidence.noise.tolist() == pytest.approx([1.0])
    assert evidence.deviations.abs().max().item() < 1e-4


def test_a_sound_above_the_background_is_as_evident_as_it_stands_out():
    heard = MOTOR.mean[None] + torch.tensor([[0.0, 3.0, 0.0]])
    with_motor = weigh(heard, heard, PRIOR, MOTOR, prior_weight=0.25)
    without = weigh(heard, heard, PRIOR, prior_weight=0.25)
    assert with_motor.deviations[0, 1].item() == pytest.approx(3.0 / 0.3, rel=1e-3)
    assert without.deviations[0, 1].item() == pytest.approx(3.0)
    assert without.deviations[0, 2].item() == pytest.approx(4.0)  # the motor itself, which is not known


@given(st.lists(st.floats(-15, 5), min_size=3, max_size=3), st.floats(0, 1))
def test_the_share_of_the_background_is_bounded_by_its_weight(logits, weight):
    known = LogitStatistics(MOTOR.mean, MOTOR.deviation, weight)
    heard = torch.tensor([logits])
    evidence = weigh(heard, heard, PRIOR, known, prior_weight=0.25)
    assert 0 <= evidence.noise.item() <= weight + 1e-6
    assert evidence.logits.isfinite().all() and evidence.deviations.isfinite().all()


def make_evidence(deviations, newest, noise=0.0):
    return Evidence(torch.zeros(1, 3), torch.tensor([deviations]), torch.tensor([newest]), noise=torch.tensor([noise]))


def judge_pair(evidence, audio=1, visual=1, consensus=0.5, threshold=2.0):
    index = torch.tensor([audio]), torch.tensor([visual])
    scores = (torch.tensor([value]) for value in (0.5, 0.5, SIMILARITY[audio, visual].item(), consensus))
    pair = Consensus(*index, *scores)
    return presence_of(pair, evidence, SIMILARITY, SPECIFIC, torch.tensor([threshold])).item()


def test_a_pair_needs_evidence_over_all_seconds_and_in_the_newest():
    assert judge_pair(make_evidence([0.0, 3.0, 0.0], [0.0, 3.0, 0.0])) == pytest.approx(0.5)
    assert judge_pair(make_evidence([0.0, 3.0, 0.0], [9.0, 1.9, 9.0])) == 0, "the newest second has other sounds only"
    assert judge_pair(make_evidence([9.0, 1.9, 9.0], [0.0, 3.0, 0.0])) == 0
    assert judge_pair(make_evidence([0.0, 1.9, 0.0], [0.0, 1.9, 0.0]), threshold=2.0 * KEEP) == pytest.approx(0.5)


def test_a_specific_pair_needs_less_and_people_never_do():
    clear = [SPECIFIC_EVIDENCE] * 3
    assert judge_pair(make_evidence(clear, clear), consensus=0.3) == pytest.approx(0.3 * SPECIFIC_RELIEF)
    assert judge_pair(make_evidence(clear, clear), audio=0, visual=0, consensus=0.3) == pytest.approx(0.3)


@pytest.mark.parametrize(("dog", "published"), [(3.0, True), (4.9, True), (5.1, False)])
def test_a_person_is_not_published_for_a_sound_that_something_else_explains(dog, published):
    deviations = [3.0, dog, 20.0]  # nothing makes the third sound
    assert (judge_pair(make_evidence(deviations, deviations), audio=0, visual=0) > 0) == published


def test_sources_are_those_of_evident_sounds():
    similarity = torch.tensor([[1.0, 0.5, 0.0], [1.0, 1.0, 0.0]])
    evidence = Evidence(
        torch.zeros(1, 2), torch.tensor([[9.0, 9.0]]), torch.tensor([[SOUGHT_EVIDENCE, 1.0]]), noise=torch.zeros(1)
    )
    found = loudest_sources(evidence, torch.tensor([[-4.0, -1.0]]), similarity)
    assert found.tolist() == [[-4.0, -torch.inf, -torch.inf]]


@pytest.mark.parametrize(("other", "is_specific"), [(0.99, True), (1.01, False)])
def test_a_pair_is_not_specific_where_another_sound_is_much_more_evident(other, is_specific):
    """Noise has some of every sound, and most of one that nothing makes."""
    heard = [0.0, 8.0, other * 8.0 / SPECIFIC_SHARE]
    expected = 0.3 * (SPECIFIC_RELIEF if is_specific else 1)
    assert judge_pair(make_evidence(heard, heard), consensus=0.3) == pytest.approx(expected)


def test_noise_relieves_the_consensus():
    noisy = make_evidence([3.0] * 3, [3.0] * 3, noise=0.5)
    assert judge_pair(noisy, consensus=0.3) == pytest.approx(0.3 / (1 - 0.5 * CONSENSUS_RELIEF))


def evidence_needed(noise):
    """The least evidence by which a pair is published, to 0.01."""
    steps = (number / 100 for number in range(1000))
    return next(dog for dog in steps if judge_pair(make_evidence([dog] * 3, [dog] * 3, noise=noise)) > 0)


def test_noise_relieves_the_evidence_until_it_is_all_that_is_heard():
    assert evidence_needed(0.0) == 2.0
    assert evidence_needed(0.5) == pytest.approx(2.0 * (1 - 0.5 * EVIDENCE_RELIEF), abs=0.011)
    just_below = BACKGROUND_ALONE - 1e-3
    assert evidence_needed(just_below) == pytest.approx(2.0 * (1 - just_below * EVIDENCE_RELIEF), abs=0.011)
    assert evidence_needed(BACKGROUND_ALONE) == evidence_needed(1.0) == 2.0 * BACKGROUND_ALONE_FACTOR


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_noise_relieves_the_share_of_people(noise):
    share = PERSON_SHARE * (1 - noise * PERSON_RELIEF)
    for person, published in ((share * 6 + 0.01, True), (share * 6 - 0.01, False)):
        evidence = make_evidence([person, 6.0, 0.0], [person, 6.0, 0.0], noise)
        assert (judge_pair(evidence, audio=0, visual=0, threshold=1.0) > 0) == published


def test_only_what_is_shown_is_kept():
    memory = HearingMemory(shown=(1, 2))
    assert [memory.keep(index) for index in range(3)] == [1.0, KEEP, KEEP]


@given(
    st.lists(st.floats(-1, 8), min_size=3, max_size=3),
    st.lists(st.floats(-1, 8), min_size=3, max_size=3),
    st.lists(st.floats(-3, 3), min_size=7, max_size=7),
    st.floats(0, 1),
    st.floats(0.5, 3),
)
def test_presence_never_exceeds_the_most(deviations, newest, logits, noise, threshold):
    evidence = Evidence(torch.zeros(1, 3), torch.tensor([deviations]), torch.tensor([newest]), torch.tensor([noise]))
    audio, visual = torch.tensor([logits[:3]]), torch.tensor([logits[3:]])
    consensus = infer_consensus(audio, visual, SIMILARITY, alpha=0.33, beta=0.2)
    present = presence_of(consensus, evidence, SIMILARITY, SPECIFIC, torch.tensor([threshold]))
    most = most_presence(evidence, audio, SIMILARITY, threshold, alpha=0.33)
    assert present <= most


def test_the_most_presence_by_hand():
    def most(*deviations):
        heard = torch.tensor([deviations])
        evidence = Evidence(heard, heard, heard, torch.zeros(1))
        return float(most_presence(evidence, torch.zeros(1, 3), SIMILARITY, 2.0, alpha=1.0))

    assert most(2.0, 0.0, 0.0) == pytest.approx(1 / 3, abs=1e-5)
    assert most(0.0, SPECIFIC_EVIDENCE, 0.0) == pytest.approx(SPECIFIC_RELIEF / 3, abs=1e-5)
    assert most(1.9, 1.9, 9.0) < 1e-5  # nothing in view makes the motor's sound
