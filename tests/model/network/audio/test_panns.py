"""PANNs: the front end against librosa, pools and norms by hand."""

import librosa
import numpy as np
import pytest
import torch

from c3n_model.network.audio.panns import PANNS, LogMel, Panns, pool


def noisy_tone(sample_rate: int) -> np.ndarray:
    time = np.arange(sample_rate) / sample_rate
    waveform = 0.3 * np.sin(2 * np.pi * 440 * time) + 0.1 * np.random.default_rng(0).standard_normal(sample_rate)
    return waveform.astype(np.float32)


@pytest.fixture(scope="module")
def mobilenet() -> Panns:
    torch.manual_seed(0)
    return Panns("panns_mobilenet_v1", num_classes=9).eval()


@pytest.mark.parametrize(
    ("sample_rate", "n_fft", "hop", "high_hz"), [(32000, 1024, 320, 14000), (16000, 512, 160, 8000)]
)
def test_front_end_equals_librosa(sample_rate, n_fft, hop, high_hz):
    waveform = noisy_tone(sample_rate)
    ours = LogMel(sample_rate)(torch.from_numpy(waveform)[None])[0, 0].numpy()
    power = librosa.feature.melspectrogram(
        y=waveform, sr=sample_rate, n_fft=n_fft, hop_length=hop, pad_mode="reflect", n_mels=64, fmin=50, fmax=high_hz
    )
    theirs = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None).T
    assert ours.shape == theirs.shape == (101, 64)
    assert np.abs(ours - theirs).max() < 1e-4  # dB


def test_silence_is_the_floor():
    assert LogMel(32000)(torch.zeros(1, 32000)).unique().tolist() == pytest.approx([-100.0])


def test_unknown_name_is_refused():
    with pytest.raises(ValueError, match="'panns_cnn6' is none of PANNs; known: panns_cnn14, "):
        Panns("panns_cnn6")


def test_pool_is_maximum_plus_mean_over_time_of_the_mean_over_bands():
    features = torch.tensor([[[[1.0, 3.0], [5.0, 9.0]]]])  # bands' means: 2 and 7
    assert pool(features).tolist() == [[7.0 + 4.5]]


@pytest.mark.parametrize("name", ["panns_cnn14", "panns_mobilenet_v1"])
def test_pools_leave_three_frames_and_two_bands_of_a_second(name):
    with torch.device("meta"):
        encoder = Panns(name)
        features = encoder.features(torch.empty(1, 1, 101, 64))
    assert features.shape == (1, encoder.embedding_channels, 3, 2)


def test_bands_are_normalised_not_frames():
    encoder, seen = Panns("panns_mobilenet_v1").eval(), []
    encoder.features.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    encoder.bn0.running_mean = -1000.0 * torch.arange(64)
    encoder(torch.zeros(1, 16000))  # -100 dB everywhere
    expected = (1000.0 * torch.arange(64) - 100).expand(1, 1, 51, 64)
    torch.testing.assert_close(seen[0], expected, rtol=1e-5, atol=1e-3)


def test_shapes_and_independence_of_the_batch(mobilenet):
    waveform = torch.rand(3, 32000) - 0.5
    with torch.no_grad():
        embedding, logits = mobilenet(waveform)
        alone = mobilenet(waveform[1:2])[1]
    assert embedding.shape == (3, mobilenet.embedding_channels) == (3, 1024)
    assert logits.shape == (3, mobilenet.num_classes) == (3, 9)
    torch.testing.assert_close(logits[1:2], alone)
    torch.testing.assert_close(logits, mobilenet.head()(embedding))  # logits, no probabilities


def test_gradient_reaches_the_waveform(mobilenet):
    waveform = (torch.rand(1, 16000) - 0.5).requires_grad_()
    mobilenet(waveform)[1].sum().backward()
    assert waveform.grad.abs().sum() > 0 and waveform.grad.isfinite().all()


def test_too_short_a_waveform_is_refused(mobilenet):
    mobilenet(torch.zeros(1, 9920))
    with pytest.raises(ValueError, match=r"at least 9920 samples, got \(1, 9919\)"):
        mobilenet(torch.zeros(1, 9919))


def test_exports_for_any_batch(mobilenet):
    two, three = torch.rand(2, 32000) - 0.5, torch.rand(3, 32000) - 0.5
    for module in (mobilenet, mobilenet.front_end):
        exported = torch.export.export(module, (two,), dynamic_shapes=({0: torch.export.Dim("n")},)).module()
        torch.testing.assert_close(exported(three), module(three))


def test_every_name_exports():
    for name in PANNS:
        with torch.device("meta"):
            encoder = Panns(name).eval()
        second = torch.empty(1, encoder.sample_rate, device="meta")
        embedding, logits = torch.export.export(encoder, (second,)).module()(second)
        assert (embedding.shape, logits.shape) == ((1, encoder.embedding_channels), (1, encoder.num_classes))
