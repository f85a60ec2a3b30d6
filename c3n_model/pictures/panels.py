"""Draw images in rows and columns like the paper's figures: one column per second, one row per kind of image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from matplotlib.figure import Figure

from c3n_model.complete_file import complete_file
from c3n_model.pictures.overlay import TRUTH_COLOUR, draw_mask, outline_mask

_DOTS_PER_INCH = 100
_CELL, _LABEL, _GAP, _MARGIN = (
    1.5,
    1.35,
    0.3,
    0.12,
)  # inches: widths of an image, of the row names, between blocks, of the border
_TITLE, _HEADING, _LINE, _SPACE = (
    0.34,
    0.24,
    0.16,
    0.05,
)  # inches: heights of a block's title, of the column names, of a caption line, between rows
_LONGEST_CAPTION = 24  # characters
_HEAT_OPACITY = 0.6


@dataclass(frozen=True)
class Row:
    """Images uint8 (H, W, 3) of one kind, with a name at the left.

    `captions` are empty, or have one entry per image, "" for no caption and with line feeds between lines.
    """

    label: str
    pictures: Sequence[np.ndarray]
    captions: Sequence[str] = ()

    @property
    def caption_lines(self) -> int:
        return max((caption.count("\n") + 1 for caption in self.captions if caption), default=0)


@dataclass(frozen=True)
class Block:
    """Rows with common columns, below a title."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]


def draw_blocks(path: Path, blocks: Sequence[Block], *, stacked: bool) -> list[str]:
    """Write `blocks` as a PNG, one below the other (`stacked`) or side by side, with the row names only at the left.

    Returns its content as text: for each block its title, then one line per row, "label: caption | caption". Raises OSError
    if the file cannot be written.
    """
    heights = [_block_height(block) for block in blocks]
    widths = [len(block.columns) * (_CELL + _SPACE) for block in blocks]
    width = _LABEL + (max(widths) if stacked else sum(widths) + _GAP * (len(blocks) - 1)) + _MARGIN
    height = (sum(heights) if stacked else max(heights)) + 2 * _MARGIN
    with matplotlib.rc_context({"text.parse_math": False, "font.size": 10}):
        figure = Figure((width, height), _DOTS_PER_INCH, facecolor="white")
        left, top = _LABEL, _MARGIN
        for number, (block, block_width, block_height) in enumerate(zip(blocks, widths, heights, strict=True)):
            _draw_block(figure, block, left, top, names=stacked or number == 0)
            left, top = (left, top + block_height) if stacked else (left + block_width + _GAP, top)
        with complete_file(path) as partial:
            figure.savefig(partial, format="png")
    return [line for block in blocks for line in (block.title, *map(_row_text, block.rows))]


def mask_picture(rgb: np.ndarray, mask: np.ndarray, truth: np.ndarray | None = None) -> np.ndarray:
    """Draw a predicted mask in orange, and the outline of the truth, if given, in blue on a grey copy of the frame."""
    picture = draw_mask(_grey(rgb), mask)
    return picture if truth is None else outline_mask(picture, truth, TRUTH_COLOUR)


def truth_picture(rgb: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Draw the true mask in blue on a grey copy of the frame."""
    return draw_mask(_grey(rgb), truth, TRUTH_COLOUR, TRUTH_COLOUR)


def heat_picture(rgb: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Draw a map float (h, w) of any size on a grey copy of the frame, from dark (minimum) to bright (maximum)."""
    height, width = rgb.shape[:2]
    spread = max(float(heat.max() - heat.min()), 1e-12)
    large = cv2.resize((heat - heat.min()) / spread, (width, height), interpolation=cv2.INTER_LINEAR)
    colours = matplotlib.colormaps["inferno"](large.clip(0, 1), bytes=True)[..., :3]
    return cv2.addWeighted(_grey(rgb), 1 - _HEAT_OPACITY, np.ascontiguousarray(colours), _HEAT_OPACITY, 0)


def short(label: str) -> str:
    """Return the first synonym of a class, shortened to fit below an image."""
    first = label.split(",")[0]
    return first if len(first) <= _LONGEST_CAPTION else first[: _LONGEST_CAPTION - 2].rstrip() + ".."


def _grey(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def _picture_height(row: Row) -> float:
    height, width = row.pictures[0].shape[:2]
    return _CELL * height / width


def _block_height(block: Block) -> float:
    rows = sum(_picture_height(row) + row.caption_lines * _LINE + _SPACE for row in block.rows)
    return _TITLE + _HEADING + rows


def _draw_block(figure: Figure, block: Block, left: float, top: float, *, names: bool) -> None:
    """Draw a block at `left`, `top` [inches] from the figure's upper left corner; `names`: whether to write row names."""
    width, height = figure.get_size_inches()

    def write(text: str, x: float, y: float, **style) -> None:
        figure.text(x / width, 1 - y / height, text, **style)

    write(block.title, left, top + _TITLE / 2, va="center", fontsize=12, fontweight="bold")
    top += _TITLE
    for column, heading in enumerate(block.columns):
        write(heading, left + column * (_CELL + _SPACE) + _CELL / 2, top + _HEADING / 2, ha="center", va="center")
    top += _HEADING
    for row in block.rows:
        tall = _picture_height(row)
        if names:
            write(row.label, left - 0.1, top + tall / 2, ha="right", va="center")
        for column, picture in enumerate(row.pictures):
            x = left + column * (_CELL + _SPACE)
            axes = figure.add_axes((x / width, 1 - (top + tall) / height, _CELL / width, tall / height))
            axes.imshow(picture, aspect="auto")
            axes.set_axis_off()
            if row.captions:
                write(row.captions[column], x + _CELL / 2, top + tall + 0.02, ha="center", va="top", fontsize=8.5)
        top += tall + row.caption_lines * _LINE + _SPACE


def _row_text(row: Row) -> str:
    label = row.label.replace("\n", " ")
    captions = [caption.replace("\n", " ") for caption in row.captions]
    return f"{label}: {' | '.join(captions)}" if any(captions) else label
