"""How fast, side by side: two ways to the same end are timed in turn, pair by pair, and compared by the ratios of the pairs.
What else the machine does, and how warm it is, meets both alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from c3n_model.model import Model
from c3n_model.network.c3n import C3N, Decoding
from c3n_model.network.fusion import naive_non_local
from c3n_model.progress import Progress
from c3n_model.weights.checkpoint import build_network

WARM_UPS = 2  # pairs that are not counted
FUSION_SIZE = 56  # height and width of V_1^a for frames of 224 pixels
FUSION_FRAMES = 5

Run = Callable[[], object]
Clock = Callable[[], float]
Pair = tuple[str, tuple[str, Run], tuple[str, Run]]  # what for, and the name and the run of either way


@dataclass(frozen=True)
class Timing:
    """Seconds of n runs of one thing, float (n,)."""

    name: str
    seconds: np.ndarray


@dataclass(frozen=True)
class Comparison:
    """Two things timed in pairs: run k of either belongs together. `first` is what is expected to take longer."""

    name: str
    first: Timing
    second: Timing

    @property
    def ratios(self) -> np.ndarray:
        """How many times longer the first took, float (n,)."""
        return self.first.seconds / self.second.seconds


@dataclass(frozen=True)
class Spread:
    """The middle of many measurements: median, and the quarters below and above it."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values: np.ndarray) -> Spread:
        low, median, high = np.percentile(values, (25, 50, 75))
        return Spread(float(median), float(low), float(high))


def time_run(run: Run, device: torch.device, clock: Clock = time.perf_counter) -> float:
    """Seconds that `run` takes, until the device has done all of it."""
    _wait(device)
    start = clock()
    run()
    _wait(device)
    return clock() - start


def time_pairs(
    pair: Pair, pairs: int, device: torch.device, progress: Progress, *, clock: Clock = time.perf_counter
) -> Comparison:
    """Run both ways `pairs` times in turn, after WARM_UPS; which of the two begins alternates."""
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
    """A second of a live session; the fusion factorised (where the model has one); CCAM (where the consensus guides).

    Raises ValueError for a model that is no C3N, or no pair.
    """
    network = model.network
    if not isinstance(network, C3N):
        raise ValueError(
            f"model {model.name} is a {type(network).__name__}; only a C3N has the parts that are timed here"
        )
    if pairs < 1:
        raise ValueError(f"{pairs} pairs measure nothing; expected at least 1")
    network.to(device).eval()
    chosen = [live_second(model, device)]
    if network.fusions:
        chosen.append(fusion(network, device))
    if network.consensus_mode != "none":
        chosen.append(attention(model, device))
    return [time_pairs(pair, pairs, device, progress) for pair in chosen]


def live_second(model: Model, device: torch.device) -> Pair:
    """What `streaming.session.Session` does a second, against a network that is given the T frames anew."""
    network, config = model.network, model.config
    frames, snippets = _random_clip(model, device)
    newest = torch.arange(config.history, device=device)[None] == config.history - 1
    known = [network.encode(frames[t : t + 1], snippets[t : t + 1]) for t in range(config.history - 1)]

    def step() -> Decoding:
        encoding = network.encode(frames[-1:], snippets[-1:])
        return network.decode(encoding.join([*known, encoding]), newest)

    def again() -> Decoding:
        return network.decode(network.encode(frames, snippets), newest)

    return "one second live", (f"encode all {config.history} frames", again), ("encode the newest frame", step)


def fusion(network: C3N, device: torch.device) -> Pair:
    """The non-local block of the first stage on maps as frames of 224 pixels give them. Where it has norms, they count as part of
    the factorised form alone."""
    block, size = network.fusions[0], (FUSION_SIZE, FUSION_SIZE)
    visual = torch.rand(1, FUSION_FRAMES, block.theta1.in_features, *size, device=device)
    audio = torch.rand(1, FUSION_FRAMES, block.audio.in_features, device=device)
    every_frame = torch.ones(1, FUSION_FRAMES, dtype=torch.bool, device=device)
    name = f"non-local fusion at {FUSION_SIZE} x {FUSION_SIZE}, T = {FUSION_FRAMES}"
    return (
        name,
        ("naive, with the matrix Phi", lambda: naive_non_local(block, visual, audio)),
        ("factorised", lambda: block(visual, audio, every_frame)),
    )


def attention(model: Model, device: torch.device) -> Pair:
    """The same weights with and without C3IM's and CCAM's part in the mask."""
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


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
