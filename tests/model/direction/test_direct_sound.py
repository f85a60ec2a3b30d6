"""The weights of bins: features by hand, the convolution against scipy's, and what the trained weights do."""

import numpy as np
from scipy.signal import correlate

from c3n_model.direction import direct_sound
from c3n_model.direction.direct_sound import FEATURES, NEIGHBOURS, agreement_of, features

STEP_S = 0.016


def shapes_of(power):
    return features(power, np.zeros(power.shape, np.float32), STEP_S) * direct_sound._SCALE[:, None, None]


def test_a_steady_sound_does_not_rise_and_a_tenfold_one_rises_by_log_10():
    power = np.ones((3, 60))
    power[1, 40] = 10.0
    rises = shapes_of(power)[2:5, 1].T
    np.testing.assert_allclose(rises[39], [0.0, 0.0, 0.0], atol=0.02)
    np.testing.assert_allclose(rises[40], np.log(10), atol=0.02)
    assert (rises[41] < 0).all(), "quieter than the moment before"


def test_levels_are_relative_so_that_a_gain_changes_nothing():
    power = np.random.default_rng(0).exponential(size=(20, 61))
    np.testing.assert_allclose(shapes_of(power), shapes_of(1e-6 * power), atol=1e-3)


def test_silence_has_finite_features():
    power = np.zeros((20, 61))
    assert np.isfinite(shapes_of(power)).all()
    power[:, 30] = 1.0
    assert np.abs(shapes_of(power)).max() <= 12


def test_agreement_is_one_for_one_direction_and_less_for_two():
    """Two microphones; every other bin hears in phase, the others against each other: each direction fits a half of the neighbours."""
    unit = np.full((30, 2, 2), np.sqrt(0.5), np.complex64)
    coarse = np.array([[1, 1], [1, -1]], np.complex64)[None].repeat(30, axis=0) * np.complex64(np.sqrt(0.5))
    power = np.ones((30, 2))
    np.testing.assert_allclose(agreement_of(unit, coarse, power), 1.0, atol=1e-5)
    unit[::2, :, 1] *= -1
    inner = agreement_of(unit, coarse, power)[NEIGHBOURS // 2 : -(NEIGHBOURS // 2)]
    np.testing.assert_allclose(inner, (NEIGHBOURS // 2 + 1) / NEIGHBOURS, atol=1e-5)


def test_the_convolution_is_scipys():
    rng = np.random.default_rng(0)
    image, weight = rng.normal(size=(2, 7, 5)).astype(np.float32), rng.normal(size=(3, 3, 2, 4)).astype(np.float32)
    expected = [sum(correlate(image[c], weight[..., c, d], "same") for c in range(2)) for d in range(weight.shape[-1])]
    np.testing.assert_allclose(direct_sound._convolved(image, weight), np.stack(expected), atol=1e-4)


def test_an_onset_that_agrees_counts_more_than_its_decay_and_than_noise():
    power = np.random.default_rng(0).exponential(size=(60, 61)) * 0.01
    power[:, 30:45] += 10.0 * np.exp(-np.arange(15) / 3.0)
    agreement = np.full(power.shape, 0.4, np.float32)
    agreement[:, 30:32] = 0.95
    weights = direct_sound.direct_sound(features(power, agreement, STEP_S))
    onset, decay, noise = weights[:, 30:32].mean(), weights[:, 36:45].mean(), weights[:, 50:].mean()
    assert onset > 5 * decay and onset > 5 * noise


def test_the_weights_are_of_this_network():
    layers = direct_sound._layers()
    assert layers["first.weight"].shape[:3] == (3, 3, FEATURES) and all(
        np.isfinite(layer).all() for layer in layers.values()
    )
