"""Layers of a prepared C3N in the form that runtimes compute quickest; torch computes those of `network.prepared` quicker."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from c3n_model.network.c3n import C3N
from c3n_model.network.prepared import FoldedFusion, prepare


def prepare_for_graph(network: C3N) -> C3N:
    """As `prepared.prepare` in float32, in the forms of this module."""
    prepared = prepare(network)
    prepared.fusions = nn.ModuleList(ChannelsFirstFusion(copy.deepcopy(fusion)) for fusion in network.fusions)  # type: ignore[arg-type]
    # A runtime has its own way to convolve, a GPU's, too; for CPUs `winograd_graph` rewrites what is loaded.
    prepared.decoder = copy.deepcopy(network.decoder)
    # Channels first: for others torch's pooling sets strides, which a graph cannot.
    return prepared.requires_grad_(False).to(memory_format=torch.contiguous_format)


class ChannelsFirstFusion(FoldedFusion):
    """`FoldedFusion` without moving the channels."""

    def forward(self, visual: Tensor, context: Tensor) -> Tensor:
        """As `CrossModalNonLocal.forward`."""
        back = context @ (self.theta4.weight * self.scale[:, None]).mT  # N C' C
        response = (self.theta1.weight.mT @ back).mT  # N C C
        constant = ((self.theta1.bias @ back) + self.shift)[:, :, None]  # N C 1
        answer = (response @ visual.flatten(2) + constant).view_as(visual)
        fused = visual + enter_layout(answer)
        if self.layer_norm is not None:
            fused = self.layer_norm(fused.movedim(1, -1)).movedim(-1, 1)
        return enter_layout(fused)


def enter_layout(maps: Tensor) -> Tensor:
    """Leave maps as they are, by a pooling of single pixels: ONNX Runtime stays in the blocked layout of its convolutions from one
    to the next, through sums and upsampling, too, but begins only where it meets a convolution or a pooling."""
    return F.max_pool2d(maps, kernel_size=1)
