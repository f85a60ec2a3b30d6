"""Pictures in little light are brightened, others left alone."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from c3n_model.zero_shot.exposure import LEAST_LIGHT, MOST_GAIN, brighten


def make_pictures(count=1, size=(40, 44), seed=0):
    return torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(seed))


def test_a_well_exposed_picture_stays_bit_for_bit():
    pictures = make_pictures()
    assert torch.equal(brighten(pictures), pictures)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([(0.5, 0.6), (0.12, 0.3)]), st.integers(0, 99))
def test_how_dark_it_was_makes_no_difference(shares_of_light, seed):
    pictures = make_pictures(seed=seed)
    one, other = (brighten(share * pictures) for share in shares_of_light)
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    assert one.mean() > max(shares_of_light) * pictures.mean()


def test_the_gain_by_hand():
    grey = torch.full((1, 3, 16, 16), LEAST_LIGHT / 4)
    torch.testing.assert_close(brighten(grey), torch.full_like(grey, LEAST_LIGHT))
    darker = torch.full((1, 3, 16, 16), 0.01)
    torch.testing.assert_close(brighten(darker), torch.full_like(grey, 0.01 * MOST_GAIN))
    assert torch.equal(brighten(torch.zeros_like(grey)), torch.zeros_like(grey))


def test_a_small_lamp_counts_not():
    night = torch.full((1, 3, 160, 160), 0.1)
    night[..., :8, :8] = 1
    found = brighten(night)
    assert found[..., 20:, 20:].min() == pytest.approx(LEAST_LIGHT, abs=1e-3)
    assert found[..., :6, :6].min() == pytest.approx(1, abs=1e-3)


def test_each_picture_by_itself():
    bright, dark = make_pictures(), 0.2 * make_pictures(seed=1)
    together = brighten(torch.cat([bright, dark]))
    assert torch.equal(together, torch.cat([brighten(bright), brighten(dark)]))


def test_noise_is_smoothed_and_edges_stay():
    half = torch.cat([torch.full((1, 3, 64, 32), 0.03), torch.full((1, 3, 64, 32), 0.12)], dim=3)
    noise = 0.008 * torch.randn(half.shape, generator=torch.Generator().manual_seed(0))
    clean, noisy = brighten(half), brighten((half + noise).clamp(min=0))
    assert (noisy - clean)[..., 40:].std() < 0.6 * 0.008 * 5
    assert noisy[..., 31].mean() < 0.25 and noisy[..., 32].mean() > 0.5
