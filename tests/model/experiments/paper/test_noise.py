"""Noise has the requested level, is reproducible, and affects only its own modality."""

from dataclasses import replace

import numpy as np
import pytest

from c3n_model.experiments.paper.noise import add_audio_noise, add_visual_noise
from c3n_model.types import Clip


@pytest.fixture
def clip():
    """Return a clip with a tone that becomes louder every second, and mid-grey frames, each darker than the last."""
    loudness = np.linspace(0.01, 0.5, 5)[:, None]
    snippets = (loudness * np.sin(np.arange(16000) * 0.3)).astype(np.float32)
    frames = np.broadcast_to(np.array([150, 140, 130, 120, 110], np.uint8)[:, None, None, None], (5, 48, 64, 3)).copy()
    masks = np.zeros((5, 48, 64), bool)
    masks[:, 10:20] = True
    return Clip("tone", frames, snippets, masks, np.array([True, False, True, True, True]), "drum")


def decibels(signal, noisy, axis=None):
    signal, noise = signal.astype(float), noisy.astype(float) - signal.astype(float)
    return 10 * np.log10((signal**2).mean(axis) / (noise**2).mean(axis))


@pytest.mark.parametrize("ratio", [20, 10, 0, -10, -20])
def test_sound_has_the_ratio_over_the_whole_clip(clip, ratio):
    noisy = add_audio_noise(clip, ratio, seed=0)
    assert decibels(clip.snippets, noisy.snippets) == pytest.approx(ratio, abs=0.3)
    noise = (noisy.snippets.astype(float) - clip.snippets).std(axis=1)
    assert noise.max() / noise.min() < 1.05  # as loud in the quiet second as in the loud one
    assert noisy.snippets.dtype == np.float32


@pytest.mark.parametrize("ratio", [30, 20, 15])
def test_each_frame_has_the_ratio(clip, ratio):
    """Grey values are far from 0 and 255, so nothing is clipped."""
    noisy = add_visual_noise(clip, ratio, seed=0)
    assert np.abs(decibels(clip.frames, noisy.frames, axis=(1, 2, 3)) - ratio).max() < 0.3
    assert noisy.frames.dtype == np.uint8


def test_noise_is_white(clip):
    noise = add_audio_noise(clip, 0, seed=0).snippets.astype(float) - clip.snippets
    spectrum = (np.abs(np.fft.rfft(noise.ravel())) ** 2)[1:].reshape(8, -1).mean(axis=1)
    assert spectrum.max() / spectrum.min() < 1.1
    colours = add_visual_noise(clip, 20, seed=0).frames.astype(float) - clip.frames
    assert abs(np.corrcoef(colours[..., 0].ravel(), colours[..., 1].ravel())[0, 1]) < 0.05
    assert abs(np.corrcoef(colours[0].ravel(), colours[1].ravel())[0, 1]) < 0.05


def test_pictures_are_clipped_and_not_wrapped(clip):
    bright = replace(clip, frames=np.full_like(clip.frames, 250))
    noisy = add_visual_noise(bright, 10, seed=0).frames
    assert (noisy == 255).mean() > 0.3
    assert (noisy < 20).mean() < 0.01  # what is brighter than 255 does not begin again at 0


@pytest.mark.parametrize("add", [add_audio_noise, add_visual_noise])
def test_seeded_by_name_and_seed(clip, add):
    def content(noisy):
        return np.concatenate([noisy.frames.ravel(), noisy.snippets.ravel()])

    first = content(add(clip, 20, seed=0))
    add(replace(clip, name="other"), 20, seed=0)  # what was asked before does not matter
    assert np.array_equal(first, content(add(clip, 20, seed=0)))
    assert not np.array_equal(first, content(add(clip, 20, seed=1)))
    assert not np.array_equal(first, content(add(replace(clip, name="other"), 20, seed=0)))


def test_only_one_modality_gets_noise(clip):
    heard, seen = add_audio_noise(clip, 0, seed=0), add_visual_noise(clip, 10, seed=0)
    assert np.array_equal(heard.frames, clip.frames)
    assert np.array_equal(seen.snippets, clip.snippets)
    for noisy in (heard, seen):
        assert np.array_equal(noisy.masks, clip.masks)
        assert np.array_equal(noisy.has_mask, clip.has_mask)
        assert (noisy.name, noisy.category) == ("tone", "drum")


def test_silence_and_black_are_unchanged(clip):
    nothing = replace(clip, frames=np.zeros_like(clip.frames), snippets=np.zeros_like(clip.snippets))
    assert not add_audio_noise(nothing, -20, seed=0).snippets.any()
    assert not add_visual_noise(nothing, -20, seed=0).frames.any()
