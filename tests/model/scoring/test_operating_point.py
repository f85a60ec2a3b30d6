"""Thresholds from scores, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3n_model.scoring.operating_point import Outcomes, choose_threshold, operating_point, reliability, roc

OUTCOMES = Outcomes(
    score=np.array([0.9, 0.6, 0.5, 0.0, 0.55, 0.2, 0.0, 0.1]),
    in_view=np.array([True, True, True, True, False, False, False, False]),
    right=np.array([True, True, False, False, False, False, False, False]),
)


def test_a_point_by_hand():
    point = operating_point(OUTCOMES, 0.5)
    assert point.false_masks_per_hour == 3600 / 4
    assert point.found == 2 / 4
    assert point.precision == 2 / 4
    assert operating_point(OUTCOMES, 1.0).precision is None


@pytest.mark.parametrize(("per_hour", "threshold"), [(0, 0.56), (900, 0.21), (3600, 0.01)])
def test_the_lowest_threshold_with_so_few_false_masks(per_hour, threshold):
    assert choose_threshold(OUTCOMES, per_hour) == pytest.approx(threshold)


def test_reliability_counts_what_could_be_published():
    bins = reliability(OUTCOMES, bins=2)
    assert bins[0] == pytest.approx((0.15, 0.0, 2))
    assert bins[1] == pytest.approx((0.6375, 0.5, 4))


@pytest.mark.parametrize("in_view", [True, False])
def test_seconds_of_one_kind_are_refused(in_view):
    one_kind = Outcomes(np.array([0.5, 0.6]), np.array([in_view] * 2), np.array([False] * 2))
    with pytest.raises(ValueError, match="no second in which"):
        choose_threshold(one_kind, 10)


def test_a_negative_limit_is_refused():
    with pytest.raises(ValueError, match="0 or more"):
        choose_threshold(OUTCOMES, -1)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.booleans()), min_size=1, max_size=30), st.floats(0, 3600))
def test_a_chosen_threshold_keeps_its_promise(rows, per_hour):
    rows = [*rows, (0.5, True, True), (0.5, False, False)]
    scores, in_view, right = (np.array(column) for column in zip(*rows, strict=True))
    outcomes = Outcomes(scores, in_view.astype(bool), (right & in_view).astype(bool))
    threshold = choose_threshold(outcomes, per_hour)
    if threshold < 1:
        assert operating_point(outcomes, threshold).false_masks_per_hour <= per_hour
    found = [point.found for point in roc(outcomes)]
    assert found == sorted(found)
