"""BEATs: the front end against Kaldi's own library, attention against a naive one."""

import math

import kaldi_native_fbank
import numpy as np
import pytest
import torch

from c3n_model.network.audio.beats import (
    BEATs,
    GatedAttention,
    KaldiFilterBank,
    RelativePositions,
    bucket_of,
)


def kaldi_filter_bank(waveform: np.ndarray, bands: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Log energies (frames, bands) by kaldi-native-fbank, with the options of torchaudio's defaults and no dither."""
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.samp_freq = 16000
    options.frame_opts.dither = 0
    options.frame_opts.snip_edges = True
    options.frame_opts.window_type = "povey"
    options.frame_opts.preemph_coeff = 0.97
    options.frame_opts.remove_dc_offset = True
    options.mel_opts.num_bins = bands
    options.mel_opts.low_freq = low_hz
    options.mel_opts.high_freq = high_hz
    bank = kaldi_native_fbank.OnlineFbank(options)
    bank.accept_waveform(16000, (waveform * 2**15).tolist())
    bank.input_finished()
    return np.stack([bank.get_frame(index) for index in range(bank.num_frames_ready)])


@pytest.fixture(scope="module")
def small() -> BEATs:
    torch.manual_seed(0)
    return BEATs(num_classes=9, layers=1).eval()


def test_front_end_equals_kaldi():
    """Kaldi's library refuses all 128 bands at once, because no FFT bin falls into the fourth; so it computes the bands
    below and above that one, whose edges are the same."""
    time = np.arange(16000) / 16000
    waveform = 0.2 + 0.3 * np.sin(2 * np.pi * 440 * time) + 0.1 * np.random.default_rng(0).standard_normal(16000)
    waveform = waveform.astype(np.float32)
    mels = np.linspace(1127 * math.log1p(20 / 700), 1127 * math.log1p(8000 / 700), 130)
    edges = 700 * np.expm1(mels / 1127)
    below = kaldi_filter_bank(waveform, 3, edges[0], edges[4])
    above = kaldi_filter_bank(waveform, 124, edges[4], edges[129])
    empty = np.full((98, 1), math.log(2**-23))
    ours = KaldiFilterBank()(torch.from_numpy(waveform)[None])[0].numpy()
    theirs = (np.concatenate([below, empty, above], axis=1) - 15.41663) / (2 * 6.55582)
    assert ours.shape == theirs.shape == (98, 128)
    assert np.abs(ours - theirs).max() < 1e-4


def test_silence_is_the_floor():
    floor = (math.log(2**-23) - 15.41663) / (2 * 6.55582)
    energies = KaldiFilterBank()(torch.zeros(1, 16000))
    assert energies.unique().tolist() == pytest.approx([floor], abs=1e-6)


def test_48_tokens_earliest_first_and_low_bands_first(small):
    energies = torch.zeros(1, 98, 128)
    quiet = small.embed(energies)
    assert quiet.shape == (1, 48, 768)
    energies[0, 2 * 16, 3 * 16] = 1.0  # third patch in time, fourth in frequency
    energies[0, 96:] = 1.0  # beyond the last whole patch
    changed = (small.embed(energies) != quiet).any(dim=2)[0]
    assert changed.nonzero().flatten().tolist() == [2 * 8 + 3]


def naive_bucket(offset: int) -> int:
    side, distance = (160 if offset > 0 else 0), abs(offset)
    if distance < 80:
        return side + distance
    return side + min(159, 80 + int(80 * math.log(distance / 80) / math.log(800 / 80)))


def test_buckets_equal_a_loop():
    offsets = torch.arange(-1200, 1201)
    assert bucket_of(offsets).tolist() == [naive_bucket(offset) for offset in offsets.tolist()]


def test_position_bias_looks_from_query_to_key():
    positions = RelativePositions()
    bias = positions(5)
    assert bias.shape == (12, 5, 5)
    for query in range(5):
        for key in range(5):
            assert torch.equal(bias[:, query, key], positions.weight[naive_bucket(key - query)])


def test_gated_attention_equals_a_loop():
    torch.manual_seed(1)
    attention, tokens = GatedAttention(), torch.randn(2, 6, 768)
    torch.nn.init.uniform_(attention.grep_a)
    bias = torch.randn(12, 6, 6)
    with torch.no_grad():
        ours = attention(tokens, bias)
        heads = torch.empty(2, 6, 768)
        for clip in range(2):
            query, key, value = (
                getattr(attention, f"{name}_proj")(tokens[clip]).reshape(6, 12, 64) for name in ("q", "k", "v")
            )
            for head in range(12):
                for token in range(6):
                    gates = attention.grep_linear(query[token, head])
                    update, reset = torch.sigmoid(gates[:4].sum()), torch.sigmoid(gates[4:].sum())
                    gate = update * (reset * attention.grep_a[0, head, 0, 0] - 1) + 2
                    scores = key[:, head] @ query[token, head] / 8 + gate * bias[head, token]
                    heads[clip, token, 64 * head : 64 * head + 64] = scores.softmax(dim=0) @ value[:, head]
        torch.testing.assert_close(ours, attention.out_proj(heads), rtol=1e-4, atol=1e-5)


def test_residuals_are_scaled_by_the_depth():
    with torch.device("meta"):
        assert BEATs(layers=12).encoder.layers[0].residual_scale == pytest.approx(2.2134, abs=1e-4)


def test_shapes_means_and_independence_of_the_batch(small):
    waveform = torch.rand(3, 16000) - 0.5
    with torch.no_grad():
        embedding, logits = small(waveform)
        alone = small(waveform[1:2])[1]
    assert embedding.shape == (3, small.embedding_channels) == (3, 768)
    assert logits.shape == (3, small.num_classes) == (3, 9)
    torch.testing.assert_close(logits[1:2], alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(logits, small.head()(embedding), rtol=1e-4, atol=1e-5)  # the mean commutes; no sigmoid


def test_gradient_reaches_the_waveform(small):
    waveform = (torch.rand(1, 4000) - 0.5).requires_grad_()
    small(waveform)[1].sum().backward()
    assert waveform.grad.abs().sum() > 0 and waveform.grad.isfinite().all()


def test_too_short_a_waveform_is_refused(small):
    small(torch.zeros(1, 2800))
    with pytest.raises(ValueError, match=r"at least 2800 samples, got \(1, 2799\)"):
        small(torch.zeros(1, 2799))


def test_exports_for_any_batch(small):
    two, three = torch.rand(2, 16000) - 0.5, torch.rand(3, 16000) - 0.5
    for module in (small, small.front_end):
        exported = torch.export.export(module, (two,), dynamic_shapes=({0: torch.export.Dim("n")},)).module()
        torch.testing.assert_close(exported(three), module(three), rtol=1e-4, atol=1e-5)


def test_no_weight_is_stored_twice():
    """A safetensors file, which a C3N checkpoint is, refuses tensors that share memory."""
    state = BEATs(layers=2).state_dict()
    assert len({tensor.data_ptr() for tensor in state.values()}) == len(state)
