"""Results are cached by content, with a size limit."""

import numpy as np
import torch
from bench_folder import LeftHalf, tiny_model, tone

from c3n_model.experiments.zero_shot.encoding_cache import CachedFunction, cache_encodings
from c3n_model.scoring.evaluate import predict


def counting():
    calls = []

    def double(tensor):
        calls.append(1)
        return None, [2 * tensor]

    return double, calls


def test_equal_contents_are_computed_once():
    double, calls = counting()
    cached = CachedFunction(double)
    for tensor in (torch.ones(3), torch.ones(3), torch.ones(6)[::2]):
        assert cached(tensor)[1][0].tolist() == [2, 2, 2]
    assert len(calls) == 1
    for other in (torch.ones(1, 3), torch.ones(3, dtype=torch.float64), torch.zeros(3)):
        assert (cached(other)[1][0] == 2 * other).all()
    assert len(calls) == 4


def test_the_oldest_is_forgotten():
    double, calls = counting()
    cached = CachedFunction(double, limit_bytes=2 * 4 * 3)
    one, two, three = (torch.full((3,), float(k)) for k in range(3))
    for tensor in (one, two, one, three, one, two):
        cached(tensor)
    assert len(calls) == 4  # one stayed, as it was asked for again; two was forgotten


def test_a_model_with_cached_encodings_gives_the_same_result():
    frames = np.random.default_rng(0).integers(0, 255, (2, 24, 40, 3), np.uint8)
    snippets = np.stack([tone(hertz, 1) for hertz in (125, 1125)])
    model, device = tiny_model(LeftHalf()), torch.device("cpu")
    before, told = predict(model, frames, snippets, device)
    calls = []
    model.network.audio_encoder.register_forward_hook(lambda *_: calls.append(1))
    cache_encodings(model)
    assert model.network.segmenter.labels == LeftHalf.labels
    for _ in range(2):
        after, again = predict(model, frames, snippets, device)
        assert (after == before).all() and (again.audio_logits == told.audio_logits).all()
