"""Time two alternatives in interleaved pairs and compare them by the ratio within each pair.

Other load and the machine's temperature then affect both alternatives equally.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from c3n_model.model import Model
from c3n_model.network.c3n import C3N
from c3n_model.network.decoding import Decoding
from c3n_model.network.fusion import join_contributions, naive_non_local
from c3n_model.progress import Progress
from c3n_model.weights.checkpoint import build_network

WARM_UPS = 2  # untimed pairs at the start
FUSION_SIZE = 56  # height and width of V_1^a for frames of 224 pixels
FUSION_FRAMES = 5

Run = Callable[[], object]
Clock = Callable[[], float]
Pair = tuple[str, tuple[str, Run], tuple[str, Run]]  # title, and the (name, function) of both alternatives


@dataclass(frozen=True)
class Timing:
    """Durations of n runs [s], float (n,)."""

    name: str
    seconds: np.ndarray


@dataclass(frozen=True)
class Comparison:
    """Two alternatives timed in pairs: their k-th runs form a pair. `first` is the one expected to be slower."""

    name: str
    first: Timing
    second: Timing

    @property
    def ratios(self) -> np.ndarray:
        """Duration of the first relative to the second, float (n,)."""
        return self.first.seconds / self.second.seconds


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of measurements."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values: np.ndarray) -> Spread:
        low, median, high = np.percentile(values, (25, 50, 75))
        return Spread(float(median), float(low), float(high))


def time_run(run: Run, device: torch.device, clock: Clock = time.perf_counter) -> float:
    """Time `run` in seconds, including all work on the device."""
    _synchronize(device)
    start = clock()
    run()
    _synchronize(device)
    return clock() - start


def time_pairs(
    pair: Pair, pairs: int, device: torch.device, progress: Progress, *, clock: Clock = time.perf_counter
) -> Comparison:
    """Time both alternatives `pairs` times after WARM_UPS; the one that runs first alternates."""
    name, first, second = pair
    seconds = np.zeros((WARM_UPS + pairs, 2))
    runs = (first[1], second[1])
    for number in progress(range(WARM_UPS + pairs), name):
        for index in (0, 1) if number % 2 == 0 else (1, 0):
            seconds[number, index] = time_run(runs[index], device, clock)
    kept = seconds[WARM_UPS:]
    return Comparison(name, Timing(first[0], kept[:, 0]), Timing(second[0], kept[:, 1]))


@torch.no_grad()
def benchmark_network(model: Model, device: torch.device, pairs: int, progress: Progress) -> list[Comparison]:
    """Benchmark streaming inference, the factorised fusion (if the model has it) and CCAM (if the model has it).

    Raises ValueError if the model is not a C3N, or for less than one pair.
    """
    network = model.network
    if not isinstance(network, C3N):
        raise ValueError(
            f"model {model.name} is a {type(network).__name__}; expected a C3N, which has the parts to be timed"
        )
    if pairs < 1:
        raise ValueError(f"the number of pairs is {pairs}; expected at least 1")
    network.to(device).eval()
    comparisons = [live_second(model, device)]
    if network.fusions:
        comparisons.append(fusion(network, device))
    if network.consensus_mode != "none":
        comparisons.append(attention(model, device))
    return [time_pairs(pair, pairs, device, progress) for pair in comparisons]


def live_second(model: Model, device: torch.device) -> Pair:
    """Compare the work of `streaming.session.Session` per second with encoding all T frames again."""
    network, config = model.network, model.config
    frames, snippets = _random_clip(model, device)
    newest = torch.arange(config.history, device=device)[None] == config.history - 1
    cached = [
        network.summarise(network.encode(frames[t : t + 1], snippets[t : t + 1])) for t in range(config.history - 1)
    ]

    def encode_newest() -> Decoding:
        encoding = network.encode(frames[-1:], snippets[-1:])
        return network.decode_newest(encoding, [*cached, network.summarise(encoding)])

    def encode_all() -> Decoding:
        return network.decode(network.encode(frames, snippets), newest)

    return (
        "one second live",
        (f"encode all {config.history} frames", encode_all),
        ("encode the newest frame", encode_newest),
    )


def fusion(network: C3N, device: torch.device) -> Pair:
    """Compare the naive and the factorised non-local block of the first stage, on feature maps of 224-pixel frames.

    Only the factorised form includes the norms, if there are any.
    """
    block, size = network.fusions[0], (FUSION_SIZE, FUSION_SIZE)
    visual = torch.rand(1, FUSION_FRAMES, block.theta1.in_features, *size, device=device)
    audio = torch.rand(1, FUSION_FRAMES, block.audio.in_features, device=device)

    def factorised() -> torch.Tensor:
        contributions = block.contribute(visual.mean(dim=(0, 3, 4)), audio[0])
        return block(visual[0], join_contributions(contributions[None]).expand(FUSION_FRAMES, -1, -1))

    name = f"non-local fusion at {FUSION_SIZE} x {FUSION_SIZE}, T = {FUSION_FRAMES}"
    return (
        name,
        ("naive, with the matrix Phi", lambda: naive_non_local(block, visual, audio)),
        ("factorised", factorised),
    )


def attention(model: Model, device: torch.device) -> Pair:
    """Compare a forward pass with and without C3IM and CCAM, with the same weights."""
    plain = build_network(replace(model.config, consensus="none"), model.network.similarity.cpu())
    plain.load_state_dict(model.network.state_dict())
    plain.to(device).eval()
    frames, snippets = (part[None] for part in _random_clip(model, device))
    return (
        f"forward of a clip of {model.config.history} frames",
        ("with CCAM", lambda: model.network(frames, snippets)),
        ("consensus: none", lambda: plain(frames, snippets)),
    )


def _random_clip(model: Model, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    size, seconds = model.config.image_size, model.config.history
    frames = torch.rand(seconds, 3, size, size, generator=generator)
    snippets = 0.1 * torch.randn(seconds, model.sample_rate, generator=generator)
    return frames.to(device), snippets.to(device)


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
