import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from c3n_model.data.clip_files import squash_frame, squash_mask
from c3n_model.preprocess import frames_to_tensor, resize_frames, resize_mask, snippet_from_samples
from c3n_model.training.clips import masks_to_tensor


def ellipse(height: int, width: int, centre: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """All pixels whose centres lie in an ellipse; centre and radii as fractions of (height, width)."""
    rows, columns = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    return ((rows[:, None] - centre[0]) / radii[0]) ** 2 + ((columns - centre[1]) / radii[1]) ** 2 < 1


def centroid(mask: np.ndarray) -> np.ndarray:
    return np.array([axis.mean() + 0.5 for axis in np.nonzero(mask)])


fractions = st.floats(0.35, 0.65)
SIDES, LARGE_SIDES = st.integers(240, 1500), st.integers(600, 1500)


@settings(max_examples=60)
@given(height=LARGE_SIDES, width=LARGE_SIDES, y=fractions, x=fractions, size=st.sampled_from([96, 128, 160, 224]))
def test_a_resized_mask_is_not_shifted(height, width, y, x, size):
    mask = ellipse(height, width, (y, x), (0.3, 0.25))
    # Half a pixel of the resized mask minus half of the mask's own, 0.31 or more, is what the corners of pixels would move it by.
    for resized in (resize_mask(mask, (size, size)), masks_to_tensor(mask[None], size)[0].numpy()):
        assert resized.dtype == bool
        assert np.abs(centroid(resized) - centroid(mask) * size / np.array(mask.shape)).max() < 0.15
        truth = cv2.resize(mask.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA) > 0.5
        assert (resized & truth).sum() / (resized | truth).sum() > 0.98


@settings(max_examples=60)
@given(height=SIDES, width=SIDES, seed=st.integers(0, 2**32 - 1))
def test_masks_and_frames_are_resized_as_avsbench_does(height, width, seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((height, width)) < 0.5
    assert (squash_mask(mask) == np.asarray(Image.fromarray(mask).resize((224, 224), Image.Resampling.NEAREST))).all()
    frame = rng.integers(0, 256, (height, width, 3), np.uint8)
    expected = Image.fromarray(frame).resize((224, 224), Image.Resampling.BILINEAR)
    assert (squash_frame(frame) == np.asarray(expected)).all()


def test_numbers_are_not_mixed():
    numbers = np.array([[-1, 5], [300, 0]], np.int16)
    resized = resize_mask(numbers, (4, 6))
    assert resized.dtype == np.int16
    assert resized.tolist() == [[-1] * 3 + [5] * 3] * 2 + [[300] * 3 + [0] * 3] * 2


def test_white_is_one_and_half_grey_is_half():
    frames = np.stack([np.full((30, 40, 3), 255, np.uint8), np.full((30, 40, 3), (51, 102, 204), np.uint8)])
    tensor = frames_to_tensor(frames, 8)
    assert tensor.shape == (2, 3, 8, 8)
    assert (tensor[0] == 1).all()
    assert tensor[1].mean(dim=(1, 2)).tolist() == pytest.approx([0.2, 0.4, 0.8])


def test_a_smaller_frame_has_the_mean_of_the_pixels_under_each_of_its_own():
    frame = np.random.default_rng(0).integers(0, 256, (1, 24, 40, 3), np.uint8)
    blocks = frame.reshape(8, 3, 8, 5, 3).mean(axis=(1, 3))
    assert np.abs(resize_frames(frame, 8)[0] - blocks).max() <= 0.5


@pytest.mark.parametrize("rate", [8_000, 16_000, 32_000, 44_100, 48_000])
def test_a_tone_keeps_its_pitch_and_loudness_at_any_rate(rate):
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)
    snippet = snippet_from_samples(np.stack([tone, tone], axis=1).astype(np.float32), rate, 32_000)
    spectrum = np.abs(np.fft.rfft(snippet)) / 16_000
    assert snippet.shape == (32_000,)
    assert spectrum.argmax() == 1000
    assert spectrum[1000] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("rates", [(0, 16_000), (16_000, 0), (-1, 16_000)])
def test_rates_that_are_none_are_refused(rates):
    with pytest.raises(ValueError, match="must be positive"):
        snippet_from_samples(np.zeros((100, 1), np.float32), *rates)
