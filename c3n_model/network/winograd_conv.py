"""A 3 x 3 convolution with a quarter of the multiplications: Winograd's F(4 x 4, 3 x 3) [1].

Four neighbouring outputs of a filter of three taps take six products of sums instead of twelve of single values; in two dimensions a tile of 4 x 4
takes 36 instead of 144. Which sums follows from six points, at which the polynomials of signal and filter are multiplied. With
0, 1, -1, 1/2, -2 and infinity rounding stays below 5e-6 of the largest output; the usual ±2 has four times as much.

[1] Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016; the points after Barabasz et al., Error Analysis and
Improving the Accuracy of Winograd Convolution for Deep Neural Networks, ACM TOMS 2020.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

TILE, TAPS = 4, 3
PATCH = TILE + TAPS - 1
# y = OUTPUTS (KERNELS g * SIGNALS d), for a signal d of six values, a filter g and the four outputs y, in one dimension.
OUTPUTS = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 1 / 2, -2, 0], [0, 1, 1, 1 / 4, 4, 0], [0, 1, -1, 1 / 8, -8, 1]])
_FIFTEENTHS = [[30, 0, 0], [12.5, 12.5, 12.5], [12.5, -12.5, 12.5], [32, 16, 8], [1, -2, 4], [0, 0, 30]]
KERNELS = np.array(_FIFTEENTHS) / 15
SIGNALS = np.array(
    [
        [1 / 2, -3 / 4, -1, 3 / 4, 1 / 2, 0],
        [0, -2 / 5, 1 / 5, 1, 2 / 5, 0],
        [0, -2 / 5, 1, -1 / 5, -2 / 5, 0],
        [0, 1, 1 / 2, -1, -1 / 2, 0],
        [0, 1 / 2, -1, -1 / 2, 1, 0],
        [0, 1 / 2, -3 / 4, -1, 3 / 4, 1 / 2],
    ]
)
# Channels from which it was measured to be faster on a CPU (0.7 of the time at 96, 0.4 at 256), on maps of 28 x 28 or more.
WORTHWHILE_CHANNELS = 96


def two_dimensional(matrix: np.ndarray) -> np.ndarray:
    """Return the matrix that applies `matrix` (m, n) to the rows and to the columns of a square: float32 (m m, n n)."""
    return np.kron(matrix, matrix).astype(np.float32)


def kernel_products(weight: np.ndarray) -> np.ndarray:
    """Return what the sums of a patch are multiplied by, float32 (36, C_in, C_out), of `weight` (C_out, C_in, 3, 3)."""
    taps = weight.astype(np.float64).transpose(2, 3, 1, 0)  # 3 3 C_in C_out
    products = np.kron(KERNELS, KERNELS) @ taps.reshape(TAPS**2, -1)
    return products.reshape(PATCH**2, *taps.shape[2:]).astype(np.float32)


class WinogradConv(nn.Module):
    """`conv` on a CPU in float32; elsewhere `conv` itself, as GPUs' libraries choose the form.

    Args:
        conv: of 3 x 3 taps with a padding of 1, and nothing else out of the ordinary.
    """

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        assert conv.kernel_size == (TAPS, TAPS) and conv.padding == conv.stride == conv.dilation == (1, 1)
        self.conv = conv
        self._factors: tuple[Tensor, Tensor, Tensor] | None = None

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, C_in, H, W) to (N, C_out, H, W)."""
        if features.device.type != "cpu" or features.dtype != torch.float32:
            return self.conv(features)
        signals, kernels, outputs = self.factors
        frames, channels, height, width = features.shape
        rows, columns = -(-height // TILE), -(-width // TILE)
        beyond = (0, 0, 1, columns * TILE + 1 - width, 1, rows * TILE + 1 - height)
        padded = F.pad(features.permute(0, 2, 3, 1), beyond)
        patches = padded.unfold(1, PATCH, TILE).unfold(2, PATCH, TILE)  # N rows columns C_in 6 6
        patches = patches.permute(4, 5, 0, 1, 2, 3).reshape(PATCH**2, -1)
        products = (signals @ patches).view(PATCH**2, -1, channels) @ kernels  # 36 (N rows columns) C_out
        tiles = (outputs @ products.flatten(1)).view(TILE, TILE, frames, rows, columns, -1)
        maps = tiles.permute(2, 3, 0, 4, 1, 5).reshape(frames, rows * TILE, columns * TILE, -1)
        if self.conv.bias is not None:
            maps += self.conv.bias
        return maps[:, :height, :width].permute(0, 3, 1, 2)

    @property
    def factors(self) -> tuple[Tensor, Tensor, Tensor]:
        """SIGNALS (36, 36), the kernels (36, C_in, C_out) and OUTPUTS (16, 36) in two dimensions. Kept for the next call."""
        if self._factors is None:
            signals, outputs = (torch.from_numpy(two_dimensional(matrix)) for matrix in (SIGNALS, OUTPUTS))
            kernels = torch.from_numpy(kernel_products(self.conv.weight.detach().numpy()))
            self._factors = signals, kernels, outputs
        return self._factors
