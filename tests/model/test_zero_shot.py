"""Zero-shot masks: arithmetic on a toy, and real weights on real clips."""

import numpy as np
import pytest
import torch
from tiny import make_tiny_model

from c3n_model.segment import segment
from c3n_model.sources.media import VideoSource
from c3n_model.streaming.session import Session
from c3n_model.zero_shot import ACTIVATION_THRESHOLD, ZeroShot, load_zero_shot


def make_toy() -> ZeroShot:
    network = make_tiny_model(visual="resnet18").network
    audible = torch.ones(9, dtype=torch.bool)
    return ZeroShot(network.visual_encoder, network.audio_encoder, network.similarity, audible).eval()


def test_mask_is_where_the_activation_passes_the_threshold():
    network = make_toy()
    with torch.no_grad():
        encoding = network.encode(torch.rand(2, 3, 64, 64), torch.rand(2, 32000) - 0.5)
        logits = network.decode(encoding, torch.tensor([[False, True]]))
    activation = encoding.visual[0]
    assert activation.shape == (2, 1, 2, 2)
    assert activation.min().item() >= 0
    assert activation.max().item() == pytest.approx(1)
    expected = (
        torch.nn.functional.interpolate(activation[1:], size=(64, 64), mode="bilinear")[:, 0] > ACTIVATION_THRESHOLD
    )
    assert torch.equal(logits > 0, expected)


def test_missing_weights_say_what_to_fetch(tmp_path):
    with pytest.raises(FileNotFoundError, match="C3N_WEIGHTS"):
        load_zero_shot(tmp_path)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("clip", "expected", "at_least"),
    [
        ("0BLiYNtFSjA", {"Horse"}, 3),
        ("QYbisnpKlQ", {"Bus", "Truck", "Car"}, 5),  # a bus; the tagger wavers within a second
        ("QYbisnpKlQ", {"Bus"}, 1),
        ("O7xnnBye7RM", {"Guitar", "Acoustic guitar", "Violin, fiddle"}, 5),
        ("YYbShzoZWRo", {"Dog", "Baby cry, infant cry", "Bark"}, 4),
    ],
)
def test_real_clips_get_labels_any_listener_agrees_with(real_data, clip, expected, at_least):
    session = Session(load_zero_shot(real_data), "cpu")
    seconds = list(segment(VideoSource(real_data / "avsbench_clips" / f"{clip}.mp4"), session))
    assert len(seconds) == 5
    heard = [second.label.audio for second in seconds]
    assert sum(label in expected for label in heard) >= at_least, heard
    assert np.mean([second.mask.any() for second in seconds]) >= 0.6


@pytest.mark.realdata
def test_silent_clips_give_no_mask(real_data):
    model = load_zero_shot(real_data)
    for name in ("02_cups", "05_default_juggle"):
        source = VideoSource(real_data / "silent" / f"{name}.mp4", allow_silent=True)
        seconds = list(segment(source, Session(model, "cpu")))
        assert seconds
        assert not any(second.mask.any() for second in seconds)
