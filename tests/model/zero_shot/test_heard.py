"""Quiet seconds are amplified, others left alone; pauses stay quieter than what is beside them."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_zero_shot import SAMPLES, Ear

from c3n_model.zero_shot.heard import (
    MOST_GAIN_DB,
    QUIET_DBFS,
    Heard,
    gains,
    logits_over_seconds,
    tag_alone,
    tag_together,
)


def make_seconds(*levels_dbfs):
    """Alternating samples of these RMS levels."""
    signs = torch.where(torch.arange(SAMPLES) % 2 == 0, 1.0, -1.0)
    return torch.stack([10 ** (level / 20) * signs for level in levels_dbfs])


@pytest.mark.parametrize(
    ("level_dbfs", "gain_db"), [(-3.0, 0), (QUIET_DBFS, 0), (QUIET_DBFS - 12, 12), (-100.0, MOST_GAIN_DB)]
)
def test_gains_by_hand(level_dbfs, gain_db):
    found = 20 * gains(make_seconds(level_dbfs)).log10()
    assert found.item() == pytest.approx(gain_db, abs=1e-3)


def test_silence_stays_silent():
    silence = torch.zeros(1, SAMPLES)
    assert torch.equal(tag_alone(silence, Ear()), Ear()(silence)[1])


def test_a_loud_second_is_tagged_bit_for_bit_as_it_is():
    loud = make_seconds(-10.0, QUIET_DBFS + 1)
    assert torch.equal(tag_alone(loud, Ear()), Ear()(loud)[1])
    assert torch.equal(tag_together(loud, Ear()), Ear()(loud.reshape(1, -1))[1])


@settings(max_examples=30, deadline=None)
@given(st.floats(0, MOST_GAIN_DB))
def test_how_quiet_it_was_makes_no_difference(attenuation_db):
    seconds = make_seconds(QUIET_DBFS, QUIET_DBFS)
    quieter = 10 ** (-attenuation_db / 20) * seconds
    torch.testing.assert_close(tag_alone(quieter, Ear()), tag_alone(seconds, Ear()), rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(tag_together(quieter, Ear()), tag_together(seconds, Ear()), rtol=1e-3, atol=1e-5)


def test_a_pause_is_not_raised_to_the_level_of_what_is_beside_it():
    beside = make_seconds(QUIET_DBFS, -70.0)
    assert torch.equal(tag_together(beside, Ear()), Ear()(beside.reshape(1, -1))[1])


def test_a_second_counts_alone_and_with_those_before_it():
    seconds = make_seconds(-50.0, -20.0, -45.0)
    heard = Heard(seconds, tag_alone(seconds, Ear()))
    combined, alone = logits_over_seconds(heard, torch.tensor([[False, False, True]]), Ear(), 0.6)
    assert torch.equal(alone, tag_alone(seconds[2:], Ear()))
    torch.testing.assert_close(combined, 0.6 * alone + 0.4 * tag_together(seconds, Ear()))
