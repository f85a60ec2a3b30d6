"""Means, intervals and paired differences over seeds, computed by hand."""

import pytest

from c3n_model.experiments.paper.samples import Sample, paired_difference, verdict


def test_interval_of_three_seeds():
    """Mean 2, deviation 1, Student's quantile for two degrees of freedom 4.3027: 4.3027 / sqrt(3) = 2.4841."""
    sample = Sample({0: 1.0, 1: 2.0, 2: 3.0})
    assert sample.mean == 2
    assert sample.interval == pytest.approx((2 - 2.4841, 2 + 2.4841), abs=1e-4)


def test_one_seed_has_no_interval():
    assert Sample({0: 1.0}).interval is None
    assert Sample({0: 1.0}).to_json() == {"mean": 1.0, "interval_95": None, "by_seed": {0: 1.0}}


def test_pairs_are_of_the_same_seed():
    difference = paired_difference(Sample({0: 5.0, 1: 9.0, 7: 0.0}), Sample({1: 8.0, 0: 3.0}))
    assert difference.by_seed == {0: 2.0, 1: 1.0}
    with pytest.raises(ValueError, match=r"seed.*\[\d.*\] and \[\d"):
        paired_difference(Sample({0: 5.0}), Sample({1: 5.0}))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0], "yes, by one seed"),
        ([-1.0], "no, by one seed"),
        ([0.0], "equal, by one seed"),
        ([1.0, 1.1, 0.9], "yes"),
        ([-1.0, -1.1, -0.9], "no"),
        ([3.0, -1.0, 2.0], "not decided"),
        ([0.0, 0.0], "not decided"),
    ],
)
def test_verdict(values, expected):
    assert verdict(Sample(dict(enumerate(values)))) == expected
