"""What a training needs, computed from the code's own counts without running it: operations, disk, hours and money.

Operations are counted on torch's "meta" device, with the backward pass through whatever the config trains. The rest follows from them by
the assumptions, which are printed with the result; those that were measured say by what.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import torch
from torch.fx.experimental import _config as fx_config
from torch.utils.flop_counter import FlopCounterMode

from c3n_model.config import Config
from c3n_model.data.clip_files import CLIP_FRAMES
from c3n_model.experiments.cost.describe import build_on_meta, count_macs, meta_clip
from c3n_model.labels.names import AUDIOSET_CLASSES, IMAGENET_CLASSES
from c3n_model.network.c3n import C3N
from c3n_model.training.loop import set_training_mode
from c3n_model.training.optimisation import make_optimiser

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Assumptions:
    """Numbers that are not counts of this code; `ABOUT` says where each is from."""

    gpu_tflops: float = 312.0
    utilisation: float = 0.25
    gpu_usd_per_hour: float = 2.0
    core_usd_per_hour: float = 0.05
    gigabyte_usd_per_month: float = 0.1
    clip_kilobytes: float = 819.0
    compose_core_seconds: float = 0.065
    load_core_seconds: float = 0.054


ABOUT = {
    "gpu_tflops": "dense bfloat16 peak of a GPU such as an A100, by its data sheet",
    "utilisation": "fraction of the peak that a training reaches; a guess",
    "gpu_usd_per_hour": "price of that GPU; a guess",
    "core_usd_per_hour": "price of a CPU core; a guess",
    "gigabyte_usd_per_month": "price of disk, for one month; a guess",
    "clip_kilobytes": "a composed clip on disk, measured: docs/learn.md",
    "compose_core_seconds": "to compose a clip, measured: docs/learn.md",
    "load_core_seconds": "to read a clip and jitter its colours, measured: docs/learn.md",
}
# Public sets: what they hold and how many GB that is, as published, or computed from hours of sound as 16-bit mono.
SETS = (
    ("COCO 2017, train and val", "123,287 pictures, 80 kinds", 19.0, "as published"),
    ("LVIS v1", "COCO's pictures, 1,203 kinds", 1.2, "its annotations alone; a guess"),
    ("FSD50K", "51,197 clips, 108.3 hours", 108.3 * 3600 * 44_100 * 2 / 1e9, "hours at 44.1 kHz"),
    ("AudioSet, balanced and evaluation", "42,531 clips of 10 s, as far as they exist", 42_531 * 10 * 32e3 / 1e9, "seconds at 16 kHz"),
    ("VGGSound", "about 200,000 clips, 550 hours", 550 * 3600 * 32e3 / 1e9, "hours at 16 kHz"),
)  # fmt: skip


@dataclass(frozen=True)
class TrainingCost:
    """What a training on `clips` clips needs. MACs are of a clip: `forward`, and a `step` with its backward pass."""

    clips: int
    forward_macs: int
    step_macs: int
    parameters: int
    trained: int
    gpu_hours: float
    compose_core_hours: float
    loading_cores_per_gpu: float
    clips_gigabytes: float
    sets_gigabytes: float
    usd: float


def training_cost(config: Config, clips: int, assumptions: Assumptions | None = None) -> TrainingCost:
    """Compute what `c3n train` needs for that many composed clips. Raises ValueError for an invalid config or `cache_features`."""
    assume = assumptions or Assumptions()
    if config.train.cache_features:
        raise ValueError("the cost of a training is computed without train.cache_features; set it to false")
    network = build_on_meta(config.model, AUDIOSET_CLASSES, IMAGENET_CLASSES)
    forward, step = _count(network, config)
    flop_per_second = assume.gpu_tflops * 1e12 * assume.utilisation
    clip_seconds = 2 * step / flop_per_second  # a MAC is two operations
    gpu_hours = config.train.epochs * clips * clip_seconds / 3600
    compose_hours = clips * assume.compose_core_seconds / 3600
    loading_hours = config.train.epochs * clips * assume.load_core_seconds / 3600
    gigabytes = clips * assume.clip_kilobytes / 1e6
    sets = sum(size for _, _, size, _ in SETS)
    usd = (
        gpu_hours * assume.gpu_usd_per_hour
        + (compose_hours + loading_hours) * assume.core_usd_per_hour
        + (gigabytes + sets) * assume.gigabyte_usd_per_month
    )
    parameters = list(network.parameters())
    return TrainingCost(
        clips, forward, step,
        sum(parameter.numel() for parameter in parameters),
        sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        gpu_hours, compose_hours, assume.load_core_seconds / clip_seconds, gigabytes, sets, usd,
    )  # fmt: skip


def _count(network: C3N, config: Config) -> tuple[int, int]:
    """Count the MACs of a clip's forward pass, CCAM's backward pass included, and of a training step, as the loop runs it."""
    make_optimiser(network, config.train)  # freezes what is not trained
    set_training_mode(network)
    images, snippets = meta_clip(network, replace(config.model, history=min(config.model.history, CLIP_FRAMES)))

    def forward() -> torch.Tensor:
        return network(images[None], snippets[None])

    with fx_config.patch(meta_nonzero_assume_all_nonzero=True):  # boolean indexing: every frame has a mask, as in MS3
        with torch.no_grad():
            once = count_macs(forward)
        with FlopCounterMode(
            display=False, custom_mapping={torch.ops.aten.convolution_backward: conv_backward_flop}
        ) as counter:
            forward().sum().backward()
    return once, counter.get_total_flops() // 2


def conv_backward_flop(
    gradient: Shape, inputs: Shape, weight: Shape, _bias, _stride, _padding, _dilation, transposed: bool,
    _output_padding, _groups, wanted: tuple[bool, ...], out_shape=None,
) -> int:  # fmt: skip
    """Count a convolution's backward pass: for the gradients of input and weights, if `wanted`, as much as forward each.

    torch's own formula (2.14) counts the weights' gradient of a depthwise convolution as that of a dense one.
    """
    forward = prod(inputs if transposed else gradient) * prod(weight[1:])
    return 2 * forward * sum(wanted[:2])


def to_text(config: Config, cost: TrainingCost, assumptions: Assumptions | None = None) -> str:
    """Format the cost and all assumptions as lines of Markdown lists."""
    assume, model, train = assumptions or Assumptions(), config.model, config.train
    lines = [
        f"{model.visual} + {model.audio}, {min(model.history, CLIP_FRAMES)} frames of {model.image_size} x {model.image_size}, C = {model.channels}: "
        f"{cost.parameters / 1e6:.1f} M parameters, {cost.trained / 1e6:.1f} M of them trained",
        "",
        f"- counted: {cost.forward_macs / 1e9:.1f} GMAC for a clip, {cost.step_macs / 1e9:.1f} with its backward pass",
        f"- training: {train.epochs} epochs of {cost.clips:,} clips are {cost.gpu_hours:.1f} GPU hours; {cost.loading_cores_per_gpu:.1f} cores "
        "a GPU load the clips",
        f"- composing: {cost.compose_core_hours:.1f} core hours",
        f"- disk: {cost.clips_gigabytes:.0f} GB of clips, {cost.sets_gigabytes:.0f} GB of public sets:",
    ]
    lines += [f"  - {name}: {holds}; {size:.1f} GB, {source}" for name, holds, size, source in SETS]
    lines += [
        f"- money: {cost.usd:,.0f} USD for GPU, cores and a month of disk, on one GPU or shared by several",
        "- assumed:",
    ]
    lines += [f"  - {name} {getattr(assume, name):g}: {about}" for name, about in ABOUT.items()]
    lines += ["- not in it: downloading, validation, trials that fail, memory"]
    return "\n".join(lines)
