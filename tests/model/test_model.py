"""Network inputs, and the choice of a device."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from c3n_model.model import choose_device


def test_inputs_are_square_frames_in_the_unit_range_and_the_snippets_as_they_are(tiny_model):
    frames = np.zeros((2, 48, 80, 3), np.uint8)
    frames[0, ..., 0], frames[1, :, 40:] = 255, 51  # all red; the right half a fifth of white
    snippets = np.random.default_rng(0).uniform(-1, 1, (2, tiny_model.sample_rate)).astype(np.float32)
    images, sounds = tiny_model.inputs(frames, snippets, torch.device("cpu"))
    size = tiny_model.config.image_size
    assert images.shape == (2, 3, size, size) and images.dtype == torch.float32
    assert images[0].amax(dim=(1, 2)).tolist() == images[0].amin(dim=(1, 2)).tolist() == [1, 0, 0]
    assert not images[1, :, :, : size // 2].any()
    torch.testing.assert_close(images[1, :, :, size // 2 :], torch.full((3, size, size // 2), 0.2))
    np.testing.assert_array_equal(sounds.numpy(), snippets)


def test_a_spacing_of_the_snippets_shifts_the_seconds_of_a_clip(tiny_model):
    spaced = replace(tiny_model, config=replace(tiny_model.config, snippet_spacing_s=0.96))
    rate = tiny_model.sample_rate
    frames, sound = np.zeros((5, 8, 8, 3), np.uint8), np.arange(5 * rate, dtype=np.float32)
    heard = spaced.inputs(frames, sound.reshape(5, rate), torch.device("cpu"))[1]
    for second in range(5):
        start = second * rate * 24 // 25
        assert torch.equal(heard[second], torch.arange(start, start + rate).float())
    one = spaced.inputs(frames[:1], sound[None, :rate], torch.device("cpu"))[1]
    assert np.array_equal(one[0], sound[:rate]), "a second of a stream is heard as it is"


def test_a_device_that_is_there():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("device", ["meta", "gpu", "cpu:1", "cuda:", "mps", ""])
def test_other_devices_are_refused(device):
    with pytest.raises(ValueError, match=f"'{device}'.* auto, cpu, cuda or cuda:N"):
        choose_device(device)


def test_a_device_that_this_machine_has_not():
    with pytest.raises(ValueError, match="'cuda:99'.* auto, cpu or cuda"):
        choose_device("cuda:99")
