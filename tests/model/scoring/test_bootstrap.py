"""Intervals of means."""

import numpy as np
import pytest

from c3n_model.scoring import bootstrap
from c3n_model.scoring.bootstrap import grouped_mean_interval, mean_interval


def test_interval_is_that_of_the_normal_approximation():
    values = np.random.default_rng(1).normal(3, 2, 400)
    half = 1.96 * values.std() / 20
    assert mean_interval(values) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)


def test_same_seed_same_interval_however_much_is_drawn_at_once(monkeypatch):
    values = np.random.default_rng(0).normal(size=37)
    whole = mean_interval(values, samples=500, seed=3)
    monkeypatch.setattr(bootstrap, "_INDICES_AT_ONCE", 100)
    assert mean_interval(values, samples=500, seed=3) == whole
    assert mean_interval(values, samples=500, seed=4) != whole


def test_equal_values_have_an_empty_interval_and_one_value_has_none():
    assert mean_interval(np.full(5, 0.25)) == (0.25, 0.25)
    assert mean_interval(np.array([0.25])) is None


def test_whole_groups_are_drawn():
    values, groups = np.array([0.0, 0.0, 0.0, 1.0]), np.array(["a", "a", "a", "b"])
    assert grouped_mean_interval(values, groups) == (0, 1)  # a quarter of the draws are of one group alone
    assert grouped_mean_interval(values, np.array(["a"] * 4)) is None
    assert grouped_mean_interval(np.full(4, 0.25), groups) == (0.25, 0.25)


def test_groups_of_one_value_are_as_sure_as_values_alone():
    values = np.random.default_rng(2).normal(size=60)
    assert grouped_mean_interval(values, np.arange(60)) == pytest.approx(mean_interval(values), abs=0.02)
    twice = grouped_mean_interval(np.repeat(values, 2), np.repeat(np.arange(60), 2))  # says no more than once
    assert twice == pytest.approx(grouped_mean_interval(values, np.arange(60)))
