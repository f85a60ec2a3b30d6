"""What models cost in a live second, and how well they segment; with random weights the cost is that of trained ones."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from c3n_model.config import ModelConfig
from c3n_model.data.avsbench import AVSBench, settings_below
from c3n_model.experiments.cost.benchmark import Run, Spread, time_pairs
from c3n_model.experiments.cost.describe import count_macs
from c3n_model.experiments.cost.machine import measure_peak
from c3n_model.labels.names import AUDIOSET_CLASSES, IMAGENET_CLASSES
from c3n_model.model import Model
from c3n_model.network.c3n import C3N
from c3n_model.network.prepared import prepare
from c3n_model.preprocess import frames_to_tensor
from c3n_model.progress import Progress
from c3n_model.scoring.evaluate import evaluate
from c3n_model.weights.checkpoint import build_network


@dataclass(frozen=True)
class ProfileCost:
    """What a config costs: parameters, multiply-accumulates of a live second, its CPU time in one thread [ms], that time over the
    visual backbone's alone, and the memory that a step needs at most above the loaded network [bytes]."""

    name: str
    config: ModelConfig
    parameters: int
    macs: int
    milliseconds: Spread
    over_backbone: Spread
    peak_bytes: int


def random_model(name: str, config: ModelConfig) -> Model:
    """Build a C3N for AudioSet's and ImageNet's classes, numbered, with random similarities. Always the same one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        similarity = torch.rand(AUDIOSET_CLASSES, IMAGENET_CLASSES) - 0.5
        network = build_network(config, similarity).eval()
    audio, visual = (tuple(f"class {number}" for number in range(count)) for count in similarity.shape)
    return Model(name, network, config, audio, visual, {"note": "random weights, to measure time alone"})


@torch.no_grad()
def measure_profile(model: Model, device: torch.device, pairs: int, progress: Progress) -> ProfileCost:
    """Time a live second against the visual backbone of one frame, in interleaved pairs.

    Raises ValueError if the model is not a C3N, or for less than one pair.
    """
    if not isinstance(model.network, C3N) or pairs < 1:
        raise ValueError(f"expected a C3N and at least 1 pair, got a {type(model.network).__name__} and {pairs}")
    step, backbone = _runs(model, device)
    step()
    peak_bytes = measure_peak(step, device)
    comparison = time_pairs(
        (model.name, ("step", step), ("backbone", backbone)), pairs, device, progress, clock=time.process_time
    )
    return ProfileCost(
        name=model.name,
        config=model.config,  # type: ignore[arg-type]
        parameters=sum(parameter.numel() for parameter in model.network.parameters()),
        macs=count_macs(step),
        milliseconds=Spread.of(comparison.first.seconds * 1e3),
        over_backbone=Spread.of(comparison.ratios),
        peak_bytes=peak_bytes,
    )


def _runs(model: Model, device: torch.device) -> tuple[Run, Run]:
    """A live second with a full history, and the visual backbone alone, on random input."""
    network = prepare(model.network).to(device)  # type: ignore[arg-type]
    random, size = np.random.default_rng(0), model.config.image_size
    frame = frames_to_tensor(random.integers(0, 256, (1, size, size, 3), dtype=np.uint8), size, device)
    snippet = torch.from_numpy(random.normal(0, 0.1, (1, model.sample_rate)).astype(np.float32)).to(device)
    past = [network.summarise(network.encode(frame, snippet))] * (model.config.history - 1)

    def step() -> torch.Tensor:
        encoding = network.encode(frame, snippet)
        return network.decode_newest(encoding, [*past, network.summarise(encoding)]).logits

    return step, lambda: network.visual_encoder(frame)


def measure_accuracy(model: Model, data: Path, device: torch.device, progress: Progress) -> dict[str, float]:
    """Return the mean IoU in [0, 1] of the masks as a live node publishes them, on the test split of each setting below `data`.

    Raises ValueError if there are no clips, or one cannot be read.
    """
    evaluations = [
        evaluate(model, AVSBench(data, setting, "test", model.sample_rate), device, progress, gated=True)
        for setting in settings_below(data)
    ]
    return {one.setting: one.summary()["batch_independent"]["miou"] for one in evaluations}


def profile_table(costs: list[ProfileCost], scores: list[dict[str, float]] | None = None) -> str:
    """Format the costs, and the mean IoU by setting if there is any, as a table in Markdown."""
    settings = sorted({setting for score in scores or [] for setting in score}, reverse=True)
    titles = [
        "profile",
        "encoders, C",
        "parameters",
        "GMAC a step",
        "CPU ms, one thread",
        "step over backbone",
        "peak MB",
    ]
    titles += [f"mIoU {setting.upper()}" for setting in settings]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for cost, score in zip(costs, scores or [{}] * len(costs)):
        config, ms, ratio = cost.config, cost.milliseconds, cost.over_backbone
        cells = [
            cost.name,
            f"{config.visual} + {config.audio}, {config.channels}",
            f"{cost.parameters / 1e6:.1f} M",
            f"{cost.macs / 1e9:.2f}",
            f"{ms.median:.0f} [{ms.low:.0f}, {ms.high:.0f}]",
            f"{ratio.median:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]",
            f"{cost.peak_bytes / 1e6:.0f}",
            *(f"{score[setting]:.3f}" if setting in score else "" for setting in settings),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
