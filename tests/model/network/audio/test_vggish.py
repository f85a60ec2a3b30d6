"""VGGish: the front end against a direct transform, each step by hand, and inside C3N."""

import numpy as np
import pytest
import torch
from tiny import make_tiny_model
from torch import nn

from c3n_model.config import TrainConfig
from c3n_model.network.audio import build_audio_encoder
from c3n_model.network.audio.vggish import (
    AttentionHead,
    LogMel,
    VGGish,
    Whitening,
    rescale_levels,
)
from c3n_model.preprocess import respace_snippets
from c3n_model.training.loop import set_training_mode
from c3n_model.training.optimisation import Optimisation


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return build_audio_encoder("vggish", 527).eval()


def direct_log_mel(waveform: np.ndarray) -> np.ndarray:
    """VGGish's front end from its definition, in float64: (96, 64)."""

    def mel(hertz):
        return 1127 * np.log(1 + hertz / 700)

    time, bins = np.arange(400), np.arange(257)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * time / 400)
    fourier = np.exp(-2j * np.pi * np.outer(time, bins) / 512)
    edges = np.linspace(mel(125), mel(7500), 66)
    examples = np.zeros((96, 64))
    for frame in range(96):
        magnitude = np.abs((waveform[160 * frame : 160 * frame + 400] * window) @ fourier)
        for band in range(64):
            triangle = np.interp(mel(bins * 16000 / 512), edges[band : band + 3], [0, 1, 0])
            examples[frame, band] = np.log(triangle[1:] @ magnitude[1:] + 0.01)
    return examples


def test_front_end_equals_its_definition():
    random = np.random.default_rng(0)
    time = np.arange(16000) / 16000
    waveform = (0.3 * np.sin(2 * np.pi * 440 * time) + 0.1 * random.standard_normal(16000)).astype(np.float32)
    ours = LogMel()(torch.from_numpy(waveform)[None])
    assert ours.shape == (1, 1, 96, 64)
    assert np.abs(ours[0, 0].numpy() - direct_log_mel(waveform)).max() < 1e-4


def test_seconds_096_s_apart_are_avsbenchs_examples():
    """AVSBench cuts the log-mel of all five seconds into examples of 96 frames, one after the other."""
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 5 * 16_000).astype(np.float32)
    window = torch.hann_window(400, periodic=True).numpy()
    frames = np.stack([sound[start : start + 400] * window for start in range(0, len(sound) - 399, 160)])
    magnitude = np.abs(np.fft.rfft(frames, 512))
    log_mel = np.log(magnitude @ LogMel().mel.numpy().T + 0.01)[: 5 * 96].reshape(5, 1, 96, 64)
    snippets = torch.from_numpy(respace_snippets(sound.reshape(5, 16_000), 0.96))
    np.testing.assert_allclose(LogMel()(snippets).numpy(), log_mel, atol=1e-3)


def test_silence_is_the_floor_and_the_last_25_ms_are_unheard():
    waveform = torch.zeros(1, 16000)
    waveform[:, 95 * 160 + 400 :] = 1.0
    assert LogMel()(waveform).unique().tolist() == pytest.approx([np.log(0.01)])


def test_other_lengths_are_refused():
    with pytest.raises(ValueError, match="16000 samples at 16 kHz.*got 80000"):
        LogMel()(torch.zeros(2, 80000))


def test_maps_are_flattened_channels_last():
    with torch.device("meta"):
        encoder = VGGish()
    encoder.features, encoder.embeddings = nn.Identity(), nn.Identity()
    maps = torch.arange(512 * 6 * 4).reshape(1, 512, 6, 4)
    flat = encoder.embed(maps)[0]
    for channel, time, mel in [(0, 0, 1), (0, 1, 0), (1, 0, 0), (511, 5, 3), (17, 4, 2)]:
        assert flat[(time * 4 + mel) * 512 + channel] == maps[0, channel, time, mel]


def test_whitening_clamps_and_rounds():
    whitening = Whitening()
    whitening.pca_means[3] = 0.5
    whitening.pca_eigen_vectors.zero_()
    whitening.pca_eigen_vectors[0, 3], whitening.pca_eigen_vectors[1, 3], whitening.pca_eigen_vectors[2, 3] = 2, -9, 9
    embedding = torch.zeros(1, 128)
    embedding[0, 3] = 1.0
    levels = whitening(embedding)[0]  # whitened: 1, -4.5, 4.5, 0, ...; 63.75 levels a unit from -2
    assert levels[:4].tolist() == [191, 0, 255, 128]
    assert rescale_levels(levels)[:4].tolist() == [63 / 128, -1, 127 / 128, 0]


def test_one_second_is_its_content():
    head = AttentionHead(9).eval()
    features = torch.randn(4, 1024, 1)
    assert torch.allclose(head.pool(features), head.content(features)[:, :, 0], atol=1e-6)


def test_attention_chooses_seconds():
    head = AttentionHead(9).eval()
    features = torch.randn(2, 1024, 3)
    content = head.content(features)
    nn.init.zeros_(head.attention.weight)
    assert torch.allclose(head.pool(features), content.mean(dim=2), atol=1e-6)
    features[:, 0] = torch.tensor([-1.0, 1.0, -1.0])
    nn.init.constant_(head.attention.weight[:, 0], 50)  # sigmoid(-50) is held at 1e-7
    assert torch.allclose(head.pool(features), head.content(features)[:, :, 1], atol=1e-5)


def test_a_repeated_second_scores_as_the_second():
    head = AttentionHead(9).eval()
    second = torch.rand(2, 1, 128) * 2 - 1
    assert torch.allclose(head(second), head(second.expand(2, 10, 128)), atol=1e-5)


def test_parameters():
    with torch.device("meta"):
        encoder = VGGish(527)
    count = {name: sum(p.numel() for p in part.parameters()) for name, part in encoder.named_children()}
    assert count["features"] + count["embeddings"] == 72_141_184  # facts of the public model: 72 M
    assert count["classifier"] == 4_876_047
    assert encoder.head() is encoder.classifier


def test_shapes_and_independence_of_the_batch(encoder):
    waveform = torch.rand(3, 16000) - 0.5
    with torch.no_grad():
        embedding, logits = encoder(waveform)
        alone = encoder(waveform[1:2])
    assert embedding.shape == (3, encoder.embedding_channels) == (3, 128)
    assert logits.shape == (3, encoder.num_classes) == (3, 527)
    assert (embedding >= 0).all()
    assert torch.allclose(embedding[1:2], alone[0], atol=1e-5)
    assert torch.allclose(logits[1:2], alone[1], atol=1e-3)  # a level may round the other way


def test_encoder_exports(encoder):
    batch = torch.export.Dim("batch")
    exported = torch.export.export(encoder, (torch.zeros(2, 16000),), dynamic_shapes={"waveform": {0: batch}})
    waveform = torch.rand(5, 16000) - 0.5
    with torch.no_grad():
        for ours, theirs in zip(encoder(waveform), exported.module()(waveform), strict=True):
            assert torch.allclose(ours, theirs, atol=1e-5)


def test_inside_c3n_it_sees_trains_and_stays_frozen():
    model = make_tiny_model(audio="vggish")
    assert model.sample_rate == 16000
    generator = torch.Generator().manual_seed(1)
    frames = torch.rand(1, 5, 3, 64, 64, generator=generator)
    snippets = torch.rand(1, 5, 16000, generator=generator) - 0.5
    with torch.no_grad():
        assert model.network(frames, snippets).shape == (1, 5, 64, 64)
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    optimisation = Optimisation(model.network, TrainConfig(), torch.device("cpu"), steps=1)
    set_training_mode(model.network)
    has_mask = torch.tensor([[True, False, False, False, False]])
    batch = (frames, snippets, torch.ones(1, 5, 64, 64), has_mask)
    loss = optimisation.update([batch])
    assert np.isfinite(loss)
    changed = {
        name.split(".")[0] for name, value in model.network.state_dict().items() if (value != before[name]).any()
    }
    assert changed == {"visual_encoder", "pyramids", "fusions", "decoder"}
