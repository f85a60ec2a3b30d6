"""The background: what is learnt live and what on purpose, and its file."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from c3n_model.zero_shot.background import (
    LEARNING_S,
    LIVE_TIME_S,
    LIVE_WEIGHT,
    PUBLISHED_RATE,
    Background,
    load_background,
)
from c3n_model.zero_shot.logit_statistics import SMALLEST_DEVIATION

LABELS = ("dog", "motor")


def test_nothing_is_known_before_the_first_sound():
    assert Background().statistics is None
    with pytest.raises(RuntimeError, match="nothing was heard"):
        Background().save("anywhere.csv", LABELS)


def test_learning_computes_mean_and_deviation_of_the_next_seconds():
    background = Background()
    background.learn(4.0)
    for value in (1.0, 3.0, 1.0, 3.0):
        assert background.is_learning
        background.hear(torch.tensor([value, 0.0]), 1.0, published=False)
    assert not background.is_learning
    learnt = background.statistics
    assert learnt.mean.tolist() == pytest.approx([2.0, 0.0])
    assert learnt.deviation.tolist() == pytest.approx([1.0, SMALLEST_DEVIATION])
    assert learnt.weight == 1.0


def test_a_background_learnt_on_request_is_not_updated():
    background = Background()
    background.learn(1.0)
    background.hear(torch.tensor([0.0, 5.0]), 1.0, published=False)
    for _ in range(100):
        background.hear(torch.tensor([9.0, 9.0]), 1.0, published=False)
    background.forget_live()
    assert background.statistics.mean.tolist() == [0.0, 5.0]


def test_the_weight_of_the_running_mean_grows_to_its_limit():
    background = Background()
    for _ in range(int(LIVE_TIME_S)):
        background.hear(torch.tensor([1.0, 2.0]), 1.0, published=False)
    weight = background.statistics.weight
    assert weight == pytest.approx(LIVE_WEIGHT * (1 - math.exp(-1)))
    background.hear(torch.tensor([1.0, 2.0]), 100 * LIVE_TIME_S, published=False)
    assert weight < background.statistics.weight <= LIVE_WEIGHT


def test_a_published_second_counts_a_tenth():
    shown, unseen = Background(), Background()
    for _ in range(60):
        shown.hear(torch.zeros(2), 1.0, published=True)
        unseen.hear(torch.zeros(2), PUBLISHED_RATE, published=False)
    assert shown.statistics.weight == pytest.approx(unseen.statistics.weight)


@given(st.lists(st.floats(-20, 10), min_size=1, max_size=30))
def test_the_mean_stays_within_the_range_of_the_logits(values):
    background = Background()
    for value in values:
        background.hear(torch.tensor([value]), 0.25, published=False)
    assert min(values) - 1e-4 <= background.statistics.mean.item() <= max(values) + 1e-4
    assert background.statistics.deviation.isfinite().all()


def test_forgetting_leaves_nothing_that_was_learnt_live():
    background = Background()
    background.hear(torch.zeros(2), 1.0, published=False)
    background.forget_live()
    assert background.statistics is None


def test_a_file_round_trip(tmp_path):
    background = Background()
    background.learn(LEARNING_S)
    background.hear(torch.tensor([-3.25, 1.5]), LEARNING_S, published=False)
    background.save(tmp_path / "new" / "robot.csv", LABELS)
    again = load_background(tmp_path / "new" / "robot.csv", LABELS).statistics
    assert again.mean.tolist() == [-3.25, 1.5] and again.weight == 1.0
    with pytest.raises(ValueError, match="another model"):
        load_background(tmp_path / "new" / "robot.csv", ("dog", "cat"))


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan])
def test_a_learning_time_of_zero_is_refused(seconds):
    with pytest.raises(ValueError, match=f"got {seconds} s"):
        Background().learn(seconds)
