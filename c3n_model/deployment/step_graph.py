"""One step of a stream as a function without state, and its trace with the gradient of CCAM inside.

    frame uint8 (S, S, 3), snippet (samples,), past (T - 1, 2, 4, C'), count ─► probability (S, S), classes, scores, summary

`past` holds the summaries of the seconds before (`network.c3n.C3N.summarise`), zeros where there is none, and `count` how many
there are: a second of zeros contributes nothing to the sum of Eq. 14, so that only its denominator depends on the count.
"""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.attention import SDPBackend, sdpa_kernel

from c3n_model.deployment.decompositions import decompositions
from c3n_model.deployment.exported import CLASSES, OUTPUTS, SCORES
from c3n_model.deployment.graph_forms import prepare_for_graph
from c3n_model.deployment.rewrites import simplify
from c3n_model.model import Model
from c3n_model.network.audio.spectra import without_fft
from c3n_model.network.c3n import C3N
from c3n_model.network.fusion import join_contributions


class StepGraph(nn.Module):
    """A step of a prepared C3N for squares of `size` pixels."""

    def __init__(self, network: C3N):
        super().__init__()
        self.network = prepare_for_graph(network)

    def forward(self, frame: Tensor, snippet: Tensor, past: Tensor, count: Tensor) -> tuple[Tensor, ...]:
        """Return `exported.OUTPUTS`: float32 (S, S) in [0, 1], int64 (2,) in the order of `CLASSES`, float32 (5,) in that of `SCORES`
        (and a sixth, `exported.AUDIBLE`, if the decoding has it), float32 (2, 4, C')."""
        return self.with_features(frame, snippet, past, count)[: len(OUTPUTS)]

    def with_features(self, frame: Tensor, snippet: Tensor, past: Tensor, count: Tensor) -> tuple[Tensor, ...]:
        """Return `exported.OUTPUTS` and then `exported.FEATURES`, all that ASPP, fusion and decoder read: V_i^r (1, C_vi, H_i, W_i)
        of the four stages, and the context (1, 4, C', C') unless the network has no fusion."""
        network = self.network
        frames = frame.permute(2, 0, 1).contiguous()[None].float() / 255
        encoding = network.encode(frames, snippet[None])
        summary = network.summarise(encoding)
        seconds = torch.cat([past, summary])
        context = join_contributions(seconds[None]) * (len(seconds) / (count + 1))
        decoding = network.decode_in_context(encoding, context)
        label = decoding.consensus
        classes = torch.cat([getattr(label, name) for name in CLASSES])
        audible = () if decoding.audible is None else (decoding.audible,)
        scores = torch.cat([*(getattr(label, name) for name in SCORES[:-1]), decoding.presence, *audible])
        features = (*encoding.visual, context)[: len(encoding.visual) + bool(network.fusions)]
        return decoding.logits[0].sigmoid(), classes, scores, summary[0], *features


def example_inputs(model: Model, history: int) -> tuple[Tensor, ...]:
    """Random inputs of the right shapes for a history of T = `history` seconds, one of them past."""
    generator = torch.Generator().manual_seed(0)
    size, network = model.config.image_size, model.network
    frame = torch.randint(0, 256, (size, size, 3), generator=generator, dtype=torch.uint8)
    snippet = 0.1 * torch.randn(model.sample_rate, generator=generator)
    stages = len(network.fusions)
    inner = network.fusions[0].theta1.out_features if stages else 0
    past = torch.zeros(history - 1, 2, stages, inner)
    past[-1:] = 0.1 * torch.randn(past[-1:].shape, generator=generator)
    return frame, snippet, past, torch.tensor(float(min(history - 1, 1)))


@torch.no_grad()
def trace_step(graph: StepGraph, inputs: tuple[Tensor, ...]) -> fx.GraphModule:
    """Trace a step to a static graph of forward operations alone: that of the gradient is part of it."""
    with without_fft(), sdpa_kernel(SDPBackend.MATH):  # the fused attention has a gradient that no runtime knows
        # Not as a module: its parameters are constants of the graph.
        traced = make_fx(lambda *given: graph.with_features(*given), decomposition_table=decompositions())(*inputs)
    return simplify(traced).eval()
