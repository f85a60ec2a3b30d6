"""Parameters and multiply-accumulates (MACs) of C3N's parts, compared with Table IV of the paper.

The network is built on torch's "meta" device, whose tensors have shapes but no data, so nothing is computed and no weights
are needed. MACs are those of convolutions and matrix products as counted by torch, including the backward pass of CCAM;
elementwise operations (norms, activations, gates, the products of C3IM) and the FFT are not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.fx.experimental import _config as fx_config
from torch.utils.flop_counter import FlopCounterMode

from c3n_model.config import ModelConfig
from c3n_model.labels.names import AUDIOSET_CLASSES, IMAGENET_CLASSES
from c3n_model.network.c3n import C3N
from c3n_model.network.fusion import CrossModalNonLocal, join_contributions
from c3n_model.weights.checkpoint import build_network

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
NORMS = (nn.LayerNorm, nn.BatchNorm1d, nn.BatchNorm2d)
THOP_PER_NORMALISED_ELEMENT = 4  # operations that thop counts per element of a layer or batch norm

# Table IV, PVTv2-b5 and VGGish: parameters in millions, "FLOPs" in units of 1e9.
PAPER_CONFIG = ModelConfig(visual="pvt_v2_b5", audio="vggish")
PAPER = {
    "baseline": {"parameters_m": 171.46, "gflops": 161.36},
    "c3n": {"parameters_m": 177.15, "gflops": 161.39},
}


@dataclass(frozen=True)
class Cost:
    """Cost of a module.

    `layer_macs`, part of `macs`, are those of linear and convolution layers in the forward pass; `normalised` is the number
    of elements that pass through a layer or batch norm, for which no MACs are counted.
    """

    parameters: int = 0
    macs: int = 0
    layer_macs: int = 0
    normalised: int = 0

    @property
    def matmul_macs(self) -> int:
        """MACs outside layers: products of activations, and mel filter banks of front ends."""
        return self.macs - self.layer_macs

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: Cost) -> Cost:
        return Cost(*(mine - theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Description:
    """The cost of one clip. `parts` add up to the total.

    parts: visual_encoder and audio_encoder, without their classifiers; consensus, the two classifiers, which C3IM uses;
    attention, the backward pass of CCAM; pyramids; fusions, factorised, with what each frame contributes; decoder.
    front_end_macs: waveform to spectrogram, part of the audio encoder.
    naive_fusions: the fusions as printed in Eq. 13, with the (T H W) x (T H W) matrix and the two norms of the authors' code.
    """

    config: ModelConfig
    audio_classes: int
    visual_classes: int
    parts: dict[str, Cost]
    front_end_macs: int
    naive_fusions: Cost

    @property
    def c3n(self) -> Cost:
        return sum(self.parts.values(), Cost())

    @property
    def baseline(self) -> Cost:
        """The baseline of Table IV: C3N without C3IM and CCAM, and therefore without classifiers."""
        return self.c3n - self.parts["consensus"] - self.parts["attention"]

    @property
    def paper(self) -> dict | None:
        """The values of Table IV, or None for another network."""
        relevant = ("visual", "audio", "history", "image_size", "channels", "consensus", "audio_features", "pyramid")
        same = all(getattr(self.config, name) == getattr(PAPER_CONFIG, name) for name in relevant)
        return PAPER if same else None

    def as_thop_counts(self, whole: Cost) -> int:
        """Count the operations of `whole` (`c3n` or `baseline`) as thop does, for naive fusions.

        thop counts layers and norms in the forward pass, but neither matrix products outside layers nor the backward pass.
        """
        naive = whole - self.parts["fusions"] + self.naive_fusions
        return naive.layer_macs + THOP_PER_NORMALISED_ELEMENT * naive.normalised


@dataclass(frozen=True)
class Call:
    """One call of a module in a forward pass."""

    module: nn.Module
    arguments: tuple
    output: object


def describe(
    config: ModelConfig, *, audio_classes: int = AUDIOSET_CLASSES, visual_classes: int = IMAGENET_CLASSES
) -> Description:
    """Count the cost of a clip of `config.history` frames. Raises ValueError for an invalid config."""
    network = build_on_meta(config, audio_classes, visual_classes)
    forward_only = build_on_meta(replace(config, consensus="none"), audio_classes, visual_classes)
    calls, forward = count_calls(forward_only, lambda: run_clip(forward_only, config))
    backward = count_macs(lambda: run_clip(network, config)) - forward
    visual, audio = forward_only.visual_encoder, forward_only.audio_encoder
    heads = {name: cost_of([encoder.head()], calls) for name, encoder in (("visual", visual), ("audio", audio))}
    parts = {
        "visual_encoder": cost_of([visual], calls) - heads["visual"],
        "audio_encoder": cost_of([audio], calls) - heads["audio"],
        "pyramids": cost_of(forward_only.pyramids, calls),
        "fusions": cost_of(forward_only.fusions, calls) + _cost_of_summaries(forward_only, config),
        "decoder": cost_of([forward_only.decoder], calls),
        "consensus": heads["visual"] + heads["audio"],
        "attention": Cost(macs=backward),
    }
    front_end = cost_of([audio.front_end], calls)
    naive = (
        naive_fusion(call.module, torch.Size((1, *call.arguments[0].shape)))
        for call in calls
        if call.module in forward_only.fusions
    )
    return Description(config, audio_classes, visual_classes, parts, front_end.macs, sum(naive, Cost()))


def run_clip(network: C3N, config: ModelConfig) -> None:
    """Run one clip through a network on the meta device."""
    images, snippets = meta_clip(network, config)
    # Boolean indexing depends on data, which meta tensors lack: assume that everything is selected.
    with torch.no_grad(), fx_config.patch(meta_nonzero_assume_all_nonzero=True):
        network(images[None], snippets[None])


def meta_clip(network: C3N, config: ModelConfig) -> tuple[Tensor, Tensor]:
    """Return the frames (T, 3, S, S) and snippets (T, samples) of a clip on the meta device."""
    size, frames = config.image_size, config.history
    images = torch.empty(frames, 3, size, size, device="meta")
    return images, torch.empty(frames, network.audio_encoder.sample_rate, device="meta")


@torch.no_grad()
def _cost_of_summaries(network: C3N, config: ModelConfig) -> Cost:
    """Count what the fusions need of each frame, without parameters, which belong to fusions and pyramids."""
    encoding = network.encode(*meta_clip(network, config))

    def run() -> Tensor:
        return join_contributions(network.summarise(encoding)[None])

    calls, macs = count_calls(network, run)
    return Cost(macs=macs, layer_macs=sum(map(_layer_macs, calls)))


def count_macs(run: Callable[[], object]) -> int:
    """Count the MACs of convolutions and matrix products in `run`, including backward passes."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() // 2


def count_calls(network: nn.Module, run: Callable[[], object]) -> tuple[list[Call], int]:
    """Count the MACs of `run` as `count_macs`; record the calls of all modules of `network`, in the order in which they return."""
    calls: list[Call] = []
    handles = [
        module.register_forward_hook(lambda module, arguments, output: calls.append(Call(module, arguments, output)))
        for module in network.modules()
    ]
    try:
        macs = count_macs(run)
    finally:
        for handle in handles:
            handle.remove()
    return calls, macs


def cost_of(modules: Iterable[nn.Module], calls: list[Call]) -> Cost:
    """Count the cost of `modules` in the recorded calls by running each again with its recorded arguments."""
    modules = list(modules)
    inner: list[Call] = []
    macs = 0
    with torch.no_grad(), fx_config.patch(meta_nonzero_assume_all_nonzero=True):  # as in `run_clip`
        for call in calls:
            if call.module in modules:
                calls_inside, more = count_calls(call.module, partial(call.module, *call.arguments))
                inner += calls_inside
                macs += more
    return Cost(
        parameters=sum(parameter.numel() for module in modules for parameter in module.parameters()),
        macs=macs,
        layer_macs=sum(map(_layer_macs, inner)),
        normalised=sum(map(_normalised, inner)),
    )


def naive_fusion(fusion: CrossModalNonLocal, visual: torch.Size) -> Cost:
    """Count the cost of Eq. 13 as printed, for V_i^a of the shape (B, T, C, H, W).

    The audio is repeated over all positions, every theta is applied at every position, and Phi relates all pairs of
    positions.
    """
    clips, frames, channels, height, width = visual
    positions, inner = frames * height * width, fusion.theta1.out_features
    layers = 4 * positions * channels * inner + frames * fusion.audio.in_features * channels
    affinity = 2 * positions**2 * inner  # theta1(V) theta2(A)^T, then its product with theta3(V)
    parameters = sum(parameter.numel() for parameter in fusion.parameters())
    return Cost(parameters, clips * (layers + affinity), clips * layers, normalised=2 * clips * positions * channels)


def _layer_macs(call: Call) -> int:
    """Count a layer's MACs: each output of a linear or convolution layer uses one row of its weight."""
    if not isinstance(call.module, LAYERS):
        return 0
    return call.output.numel() * call.module.weight[0].numel()


def _normalised(call: Call) -> int:
    return call.output.numel() if isinstance(call.module, NORMS) else 0


def build_on_meta(config: ModelConfig, audio_classes: int, visual_classes: int) -> C3N:
    """Build the network on the meta device, in eval mode. Raises ValueError for an invalid config."""
    similarity: Tensor = torch.ones(audio_classes, visual_classes)
    with torch.device("meta"):
        network = build_network(config, similarity)
    return network.to("meta").eval()
