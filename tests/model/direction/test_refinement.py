"""From chunks of six channels to the chosen object: the chain that `c3n segment --microphone-array` runs."""

from types import SimpleNamespace

import numpy as np
import pytest

from c3n_model.direction.microphone_array import load_array
from c3n_model.direction.refinement import by_direction
from c3n_model.direction.steering import SPEED_OF_SOUND, rays_of
from c3n_model.experiments.direction.bench import VIEW, seen_at
from c3n_model.streaming.channels import ChosenChannels
from c3n_model.streaming.segment import segment
from c3n_model.types import AudioChunk, Frame

RATE, ARRAY = 16_000, load_array("respeaker_usb_4_mic")


def recording(bearing_deg):
    """Two seconds: channel 0 processed, 1 to 4 the microphones, 5 the robot's own playback, in chunks of 50 ms; and images."""
    noise = np.fft.rfft(np.random.default_rng(0).normal(0, 0.1, 2 * RATE))
    earlier_s = ARRAY.positions @ rays_of(np.deg2rad(bearing_deg), 0.0) / SPEED_OF_SOUND
    hertz = np.fft.rfftfreq(2 * RATE, 1 / RATE)
    heard = np.fft.irfft(noise[:, None] * np.exp(2j * np.pi * np.outer(hertz, earlier_s)), 2 * RATE, axis=0)
    samples = np.column_stack([np.full(2 * RATE, 0.25), heard, np.ones(2 * RATE)]).astype(np.float32)
    for number in range(40):
        stamp_ns = number * 50_000_000
        yield Frame(np.zeros((VIEW.height, VIEW.width, 3), np.uint8), stamp_ns)
        yield AudioChunk(samples[number * 800 : (number + 1) * 800], RATE, stamp_ns)


class TwoPeople:
    """A session that sees two people, 20 degrees to the left and to the right."""

    model = SimpleNamespace(sample_rate=RATE)

    def step(self, window):
        self.snippet = window.snippet
        return seen_at(np.deg2rad([20, -20]), np.zeros(2), np.ones(2))[0]


@pytest.mark.parametrize("bearing, side", [(20, "left"), (-20, "right")])
def test_the_array_chooses_and_the_network_hears_the_chosen_channels_only(bearing, side):
    source, session = ChosenChannels(recording(bearing), (0,), ARRAY.channels), TwoPeople()
    results = list(segment(source, session, refine=by_direction(ARRAY, VIEW.horizontal_fov_deg)))
    assert len(results) == 2
    for result in results:
        (person,) = result.objects
        assert result.sound.decision == "chosen" and (person.centroid[0] < VIEW.width / 2) == (side == "left")
    np.testing.assert_allclose(session.snippet, 0.25, atol=1e-4)


def test_without_an_array_the_results_are_the_sessions():
    results = list(segment(ChosenChannels(recording(20), (0,)), TwoPeople()))
    assert [len(result.objects) for result in results] == [2, 2] and results[0].sound.bearing is None


def test_a_recording_without_the_arrays_channels_is_refused():
    few = ChosenChannels([AudioChunk(np.zeros((10, 2), np.float32), RATE, 0)], (), ARRAY.channels)
    with pytest.raises(ValueError, match="channel 4 .* has 2 "):
        next(iter(few))
