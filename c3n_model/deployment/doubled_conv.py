"""A 3 x 3 convolution of maps that are upsampled twofold, as one of the smaller maps, in nodes of an ONNX graph.

Bilinear upsampling by two mixes the same neighbours in each of four ways (phases), so that the convolution is four of the smaller
map: with as many multiplications, but nothing is upsampled, and Winograd's form takes a quarter of them.

Beyond the edge, bilinear upsampling goes on with the values of the edge, while the convolution goes on with zeros. So the maps are
extended by their edge, and what the outer taps saw there is taken off the outermost pixels of the result.
"""

from __future__ import annotations

import numpy as np

from c3n_model.deployment.graph_part import GraphPart

# Of a tap (previous, same, next pixel of the upsampled map) what each pixel of the smaller map (previous, same, next) contributes to it.
EVEN = np.array([[0.75, 0.25, 0], [0.25, 0.75, 0], [0, 0.75, 0.25]])
ODD = EVEN[::-1, ::-1]
FIRST, LAST = 0, 2  # outer taps


def phase_kernels(weight: np.ndarray) -> np.ndarray:
    """Return the kernels float32 (4 C_out, C_in, 3, 3) of the phases (even, even), (even, odd), (odd, even), (odd, odd)."""
    kernels = [np.einsum("ocuv,ur,vs->ocrs", weight, rows, columns) for rows in (EVEN, ODD) for columns in (EVEN, ODD)]
    return np.concatenate(kernels).astype(np.float32)


def interleave(places: np.ndarray) -> np.ndarray:
    """Return the numbers (N, 2 H, 2 W) of the upsampled positions in a table of `places` times four phases, from those (N, H, W) of
    the places."""
    frames, height, width = places.shape
    phases = places[:, :, None, :, None] * 4 + np.array([[0, 1], [2, 3]])[:, None, :]
    return phases.reshape(frames, 2 * height, 2 * width)


def with_zeros_beyond(
    part: GraphPart, table: str, places: np.ndarray, pixels: str, shape: tuple[int, ...], weight: np.ndarray
) -> str:
    """Return the result (N, 2 H, 2 W, C_out) of rows `places` of `table`, with its outermost pixels as if the upsampled map had zeros
    around it. `pixels` (N H W, C_in) are those of the smaller maps of `shape` (N, C_in, H, W)."""
    corrections, edge, numbers = _corrections(part, pixels, shape, weight)
    outermost = part.gather(table, places[edge])
    for chosen in numbers:
        outermost = part.add("Add", outermost, part.gather(corrections, chosen))
    found = part.reshape(part.gather(table, places), -1, len(weight))
    rows = part.integers(np.flatnonzero(edge)[:, None])
    return part.reshape(part.add("ScatterND", found, rows, outermost), *places.shape, len(weight))


def _corrections(
    part: GraphPart, pixels: str, shape: tuple[int, ...], weight: np.ndarray
) -> tuple[str, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return a table of what is to be added, (n, C_out); which positions are outermost, bool (N, 2 H, 2 W); and for these the rows
    of the table, one for its line and one for its column. The table's last row is zero."""
    frames, _, height, width = shape
    positions = np.arange(frames * height * width).reshape(frames, height, width)
    table, numbers, last = [], np.full((2, frames, 2 * height, 2 * width), -1), 0
    lines, columns = positions.swapaxes(0, 1), positions.transpose(2, 0, 1)
    for axis, edges in enumerate((lines, columns)):
        for tap, side in ((FIRST, 0), (LAST, -1)):
            taps = np.take(weight, tap, axis=2 + axis)  # C_out C_in 3
            seen = _beyond(part, pixels, edges[side], corners=axis == 0)
            table.append(part.add("MatMul", seen, part.constant(-taps.transpose(2, 1, 0).reshape(-1, len(weight)))))
            rows = last + np.arange(edges[side].size * 2).reshape(frames, -1)
            numbers[axis].swapaxes(1, 1 + axis)[:, side] = rows
            last += rows.size
    table.append(part.constant(np.zeros((1, len(weight)), np.float32)))
    edge = (numbers >= 0).any(axis=0)
    numbers[numbers < 0] = last
    return part.add("Concat", *table, axis=0), edge, (numbers[0][edge], numbers[1][edge])


def _beyond(part: GraphPart, pixels: str, edge: np.ndarray, *, corners: bool) -> str:
    """What the three taps outside of an edge see of the extended map, at each upsampled position: (N 2 L, 3 C), of the positions `edge` (N, L)
    in `pixels`. Without `corners` the taps beyond the edge's own ends see zero."""
    frames, length = edge.shape
    taps = np.arange(2 * length)[:, None] + np.arange(-1, 2)  # 2 L, 3
    centre = taps / 2 - 0.25
    before = np.floor(centre).astype(int)
    share = centre - before
    inside = 1.0 if corners else (taps >= 0) & (taps < 2 * length)
    mixed = []
    for neighbour, weight in ((before, 1 - share), (before + 1, share)):
        values = part.gather(pixels, edge[:, np.clip(neighbour, 0, length - 1)])  # N, 2 L, 3, C
        mixed.append(part.add("Mul", values, part.constant((weight * inside)[..., None].astype(np.float32))))
    return part.reshape(part.add("Add", *mixed), frames * 2 * length, -1)
