"""A 3 x 3 convolution of an upsampled map, applied before the upsampling.

Both are linear, so a convolution of an upsampled map is a sum over its nine taps of the upsampled, shifted product of one tap
with the map. The nine products cost a quarter of the convolution where the map is upsampled twofold. Upsampling and shifts of
an axis are one banded matrix for each of three taps.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BLOCK = 32  # positions that are computed together: a block of a banded matrix has few columns that are not zero

Band = tuple[int, int, int, int]  # first and last input position (exclusive), first and last output position of a block


class UpsampledConv(nn.Module):
    """`conv(upsample(x, size))` for a 3 x 3 convolution with a padding of 1.

    Args:
        conv: the convolution, C_in to C_out channels; align_corners: as in torch's bilinear interpolation.
    """

    bias: Tensor

    def __init__(self, conv: nn.Conv2d, *, align_corners: bool):
        super().__init__()
        self.align_corners = align_corners
        assert conv.bias is not None
        taps = (
            conv.weight.detach().permute(3, 2, 0, 1).flatten(1, 2)
        )  # 3 horizontal taps, (3 vertical taps x C_out) x C_in
        self.taps = nn.Parameter(taps.contiguous(), requires_grad=False)
        self.register_buffer("bias", conv.bias.detach().clone())
        self._matrices: dict[tuple, tuple[Tensor, list[Band]]] = {}

    def forward(self, features: Tensor, size: tuple[int, int]) -> Tensor:
        """Map (N, C_in, h, w) to (N, C_out, H, W) with `size` = (H, W)."""
        wide = self.upsampled_columns(features, size[1]).unflatten(1, (3, len(self.bias)))  # N 3 C_out h W
        rows, bands = self.matrix(features.shape[2], size[0], features)
        blocks = []
        for first, last, start, stop in bands:
            parts = (rows[tap, start:stop, first:last] @ wide[:, tap, :, first:last] for tap in range(3))
            blocks.append(sum(parts, start=self.bias[:, None, None]))
        return torch.cat(blocks, dim=2)

    def upsampled_columns(self, features: Tensor, width: int) -> Tensor:
        """Apply the horizontal taps: (N, C_in, h, w) to (N, 3 C_out, h, `width`), a channel for each row of `taps`."""
        frames, _, height, before = features.shape
        positions = features.flatten(2)  # N C_in (h w)
        products = [(taps @ positions).reshape(-1, before) for taps in self.taps]  # 3 x (N 3 C_out h) w
        columns, bands = self.matrix(before, width, features)
        wide = torch.cat([_sum_products(products, columns, band) for band in bands], dim=1)
        return wide.view(frames, -1, height, width)

    def matrix(self, size: int, upsampled: int, like: Tensor) -> tuple[Tensor, list[Band]]:
        """Return the matrices of the three taps of an axis, (3, upsampled, size), and their blocks. Kept for the next call."""
        key = (size, upsampled, like.dtype, like.device)
        if key not in self._matrices:
            matrix = shifted_upsampling(size, upsampled, align_corners=self.align_corners)
            self._matrices[key] = matrix.to(like.device, like.dtype), _bands(matrix)
        return self._matrices[key]


class ConvOfUpsampled(nn.Module):
    """The same as `UpsampledConv` in the usual order."""

    def __init__(self, conv: nn.Conv2d, *, align_corners: bool):
        super().__init__()
        self.conv, self.align_corners = conv, align_corners

    def forward(self, features: Tensor, size: tuple[int, int]) -> Tensor:
        """Map (N, C_in, h, w) to (N, C_out, H, W) with `size` = (H, W)."""
        return self.conv(F.interpolate(features, size, mode="bilinear", align_corners=self.align_corners))


def _sum_products(products: list[Tensor], columns: Tensor, band: Band) -> Tensor:
    """Upsample a block of columns: the sum over the taps of (M, w) x (w, W)."""
    first, last, start, stop = band
    total = products[0][:, first:last] @ columns[0, start:stop, first:last].mT
    for product, matrix in zip(products[1:], columns[1:]):
        total = torch.addmm(total, product[:, first:last], matrix[start:stop, first:last].mT)
    return total


def shifted_upsampling(size: int, upsampled: int, *, align_corners: bool) -> Tensor:
    """Build the matrices that upsample an axis linearly and shift it to what each tap of a convolution sees.

    Returns float32 (3, upsampled, size): the value at the previous, the same and the next position, zero outside.
    """
    identity = torch.eye(size)[None]
    same = F.interpolate(identity, size=upsampled, mode="linear", align_corners=align_corners)[0].mT
    padded = F.pad(same, (0, 0, 1, 1))
    return torch.stack([padded[tap : tap + upsampled] for tap in range(3)])


def _bands(matrix: Tensor) -> list[Band]:
    """Split the outputs into blocks, and find the inputs that each block depends on with any tap."""
    used = (matrix != 0).any(dim=0)  # upsampled x size
    bands = []
    for start in range(0, len(used), BLOCK):
        stop = min(start + BLOCK, len(used))
        inputs = used[start:stop].any(dim=0).nonzero().flatten().tolist()
        bands.append((inputs[0], inputs[-1] + 1, start, stop))
    return bands
