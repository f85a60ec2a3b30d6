"""What an array hears of a direction: delays and coherences that are known by hand."""

import numpy as np
import pytest

from c3n_model.direction.microphone_array import load_array
from c3n_model.direction.steering import (
    BEARINGS,
    OWN_NOISE,
    SPEED_OF_SOUND,
    rays_of,
    steering_of,
    unit_vectors,
    whitening_of,
)

FOUR, PAIR = load_array("respeaker_usb_4_mic"), load_array("stereo_pair")
HERTZ = np.array([500.0, 2000.0, 6000.0])


def test_whitening_makes_noise_from_all_sides_independent():
    """The coherence of the pair's 10 cm, sin(x) / x, with its own noise on the diagonal, becomes the identity."""
    x = 2 * np.pi * HERTZ * 0.1 / SPEED_OF_SOUND
    for whitening, coherence in zip(whitening_of(PAIR.positions, HERTZ), np.sin(x) / x, strict=True):
        noise = (1 - OWN_NOISE) * np.array([[1, coherence], [coherence, 1]]) + OWN_NOISE * np.eye(2)
        np.testing.assert_allclose(whitening @ noise @ whitening.conj().T, np.eye(2), atol=1e-5)


def test_a_plane_wave_has_a_response_of_one_at_its_direction_and_less_elsewhere():
    steering = steering_of(FOUR, HERTZ)
    earlier_s = FOUR.positions @ rays_of(np.deg2rad(40.0), 0.0) / SPEED_OF_SOUND
    spectra = 7.0 * np.exp(2j * np.pi * HERTZ[:, None, None] * earlier_s).astype(np.complex64)
    response = steering.response(steering.whitened(spectra), np.ones((3, 1), np.float32))[0] / 3
    assert np.rad2deg(BEARINGS[response.argmax()]) == pytest.approx(40)
    assert response.max() == pytest.approx(1.0, abs=1e-5) and response.min() < 0.5


def test_directions_are_looked_for_at_the_elevations_that_an_array_can_tell_apart():
    """A level array hears up as down, a line hears raised as turned."""
    upright = type(FOUR)(FOUR.positions[:, [0, 2, 1]] + FOUR.positions, FOUR.channels)
    assert [len(steering_of(array, HERTZ).elevations) for array in (PAIR, FOUR, upright)] == [1, 2, 3]


def test_unit_vectors_have_a_length_of_one_and_silence_has_none():
    whitening = whitening_of(FOUR.positions, HERTZ)
    vectors = unit_vectors(rays_of(BEARINGS, np.zeros(1)), FOUR.positions, HERTZ, whitening)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1, atol=1e-5)
    assert not steering_of(FOUR, HERTZ).whitened(np.zeros((3, 2, 4), np.complex64)).any()
