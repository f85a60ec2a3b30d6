"""Draw segmentations over frames, and contact sheets of captioned images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from c3n_model.complete_file import write_complete
from c3n_model.types import Segmentation

Colour = tuple[int, int, int]
MASK_COLOUR = (255, 150, 0)  # orange contrasts with sky, grass and skin, also for colour-blind people
CONTOUR_COLOUR = (255, 235, 60)
TRUTH_COLOUR = (40, 120, 255)
_ATTENTION_OPACITY = 0.65
_MASK_OPACITY = 0.45
_BANNER_OPACITY = 0.6
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SMALLEST_FONT_SCALE = 0.36  # characters 8 pixels high


def draw_overlay(rgb: np.ndarray, segmentation: Segmentation) -> np.ndarray:
    """Draw the mask, its regions, and the unified label with its scores on a copy of `rgb` uint8 (H, W, 3).

    A window in which nothing is heard is labelled "silent" or "unsure". Raises ValueError if the mask has another size.
    """
    if rgb.shape[:2] != segmentation.mask.shape:
        raise ValueError(f"expected an image of the mask's size {segmentation.mask.shape}, got {rgb.shape[:2]}")
    picture = draw_mask(rgb, segmentation.mask)
    line, several = _line_width(picture), len(segmentation.pairs) > 1
    for region in segmentation.objects:
        x, y, width, height = region.box
        cv2.rectangle(picture, (x, y), (x + width - 1, y + height - 1), CONTOUR_COLOUR, line)
        _tag(picture, f"{region.label} {region.score:.2f}" if several else f"{region.score:.2f}", (x, y + height))
    return _draw_banner(picture, _title(segmentation), _scores(segmentation))


def contact_sheet(
    images: Sequence[np.ndarray], captions: Sequence[str], columns: int = 4, cell_width: int = 320
) -> np.ndarray:
    """Arrange images uint8 (H, W, 3) of any size in a grid, each with its caption below; return RGB uint8.

    Raises ValueError if there are no images or not as many captions.
    """
    if not images or len(images) != len(captions):
        raise ValueError(
            f"expected at least one image and one caption per image, got {len(images)} images and {len(captions)} captions"
        )
    cells = [_cell(image, caption, cell_width) for image, caption in zip(images, captions)]
    height = max(cell.shape[0] for cell in cells)
    columns = min(columns, len(cells))
    rows = -(-len(cells) // columns)
    sheet = np.full((rows * height, columns * cell_width, 3), 24, np.uint8)
    for number, cell in enumerate(cells):
        y, x = number // columns * height, number % columns * cell_width
        sheet[y : y + cell.shape[0], x : x + cell_width] = cell
    return sheet


def draw_mask(
    rgb: np.ndarray, mask: np.ndarray, colour: Colour = MASK_COLOUR, contour: Colour = CONTOUR_COLOUR
) -> np.ndarray:
    """Tint and outline the mask bool (H, W) on a copy of `rgb` uint8 (H, W, 3)."""
    tint = np.empty_like(rgb)
    tint[:] = colour
    tinted = cv2.addWeighted(rgb, 1 - _MASK_OPACITY, tint, _MASK_OPACITY, 0)
    return outline_mask(cv2.copyTo(tinted, mask.astype(np.uint8), rgb.copy()), mask, contour)


def outline_mask(rgb: np.ndarray, mask: np.ndarray, colour: Colour) -> np.ndarray:
    """Outline the mask bool (H, W) on a copy of `rgb` uint8 (H, W, 3)."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(rgb.copy(), contours, -1, colour, _line_width(rgb))


def outline_truth(picture: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Outline the true mask bool (H, W) in blue on a copy of `picture` uint8 (H, W, 3)."""
    contours, _ = cv2.findContours(truth.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return cv2.drawContours(picture.copy(), contours, -1, TRUTH_COLOUR, _line_width(picture))


def draw_attention(rgb: np.ndarray, attention: np.ndarray) -> np.ndarray:
    """Draw an attention map float (h, w) over the grey frame, RGB uint8 (H, W, 3).

    The map is scaled to its own range, which is often tiny, so the caller should state the range.
    """
    height, width = rgb.shape[:2]
    low, high = float(attention.min()), float(attention.max())
    bright = np.round(255 * (attention - low) / max(high - low, 1e-12)).astype(np.uint8)
    bright = cv2.resize(bright, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    colours = cv2.cvtColor(cv2.applyColorMap(bright, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    grey = cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(grey, 1 - _ATTENTION_OPACITY, colours, _ATTENTION_OPACITY, 0)


def write_png(path: Path, rgb: np.ndarray) -> None:
    """Write RGB uint8 (H, W, 3) as a PNG. Raises OSError if writing fails."""
    write_complete(path, cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].tobytes())


def _title(segmentation: Segmentation) -> str:
    label, presence = segmentation.label, segmentation.presence
    if not presence.audible:
        return presence.reason
    if not presence.visible:
        return f"{label.audio}, not in view"
    return " + ".join(f"{audio} ~ {visual}" for audio, visual in segmentation.pairs)


def _scores(segmentation: Segmentation) -> str:
    label, presence = segmentation.label, segmentation.presence
    fields = [f"audible {presence.score:.2f} ({presence.loudness_dbfs:.0f} dB)"]
    if presence.audible:
        fields = [
            f"hear {label.audio_score:.2f}",
            f"see {label.visual_score:.2f}",
            f"agree {label.consensus:.2f}",
            *fields,
        ]
    if segmentation.heard < 1:
        fields.append(f"{segmentation.heard:.0%} of the sound")
    return "  ".join(fields)


def _tag(picture: np.ndarray, text: str, corner: tuple[int, int]) -> None:
    """Write text on a dark box whose lower left corner is at (x, y)."""
    scale = 0.8 * _font_scale(picture)
    (width, height), _ = cv2.getTextSize(text, _FONT, scale, _line_width(picture))
    x, y = corner
    margin = height // 3
    cv2.rectangle(picture, (x, y - height - 2 * margin), (x + width + 2 * margin, y - 1), (0, 0, 0), cv2.FILLED)
    _write(picture, text, (x + margin, y - margin), scale)


def _draw_banner(picture: np.ndarray, title: str, scores: str) -> np.ndarray:
    """Write two lines of text on a darkened strip at the top."""
    scale = _font_scale(picture)
    margin = round(12 * scale)
    row = round(30 * scale) + margin // 2
    strip = picture[: 2 * row + margin]
    strip[:] = (strip * (1 - _BANNER_OPACITY)).astype(np.uint8)
    room = picture.shape[1] - 2 * margin
    for number, (text, preferred_scale) in enumerate(((title, 1.15 * scale), (scores, 0.85 * scale))):
        fitted_text, fitted_scale = _fit(text, preferred_scale, room, _line_width(picture))
        _write(picture, fitted_text, (margin, (number + 1) * row - margin // 4), fitted_scale)
    return picture


def _cell(image: np.ndarray, caption: str, width: int) -> np.ndarray:
    height = max(round(image.shape[0] * width / image.shape[1]), 1)
    shrinks = image.shape[1] > width
    picture = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    strip = np.full((24, width, 3), 24, np.uint8)
    text, scale = _fit(caption, 0.45, width - 12)
    _write(strip, text, (6, 16), scale)
    return np.concatenate([picture, strip])


def _fit(text: str, scale: float, room: int, thickness: int = 1) -> tuple[str, float]:
    """Fit text into `room` pixels by a smaller font scale, and if that does not suffice by shortening it."""

    def width() -> int:
        return cv2.getTextSize(text, _FONT, scale, thickness)[0][0]

    text = text.encode("ascii", "replace").decode()  # the font has only ASCII characters
    if width() > room:
        scale = max(scale * room / width(), _SMALLEST_FONT_SCALE)
    while len(text) > 3 and width() > room:
        text = text[:-3].rstrip(".") + ".."
    return text, scale


def _write(picture: np.ndarray, text: str, corner: tuple[int, int], scale: float) -> None:
    """Write white text with its lower left corner at `corner` (x, y)."""
    cv2.putText(picture, text, corner, _FONT, scale, (255, 255, 255), _line_width(picture), cv2.LINE_AA)


def _font_scale(picture: np.ndarray) -> float:
    return max(picture.shape[0] / 900, 0.4)


def _line_width(picture: np.ndarray) -> int:
    return max(round(picture.shape[0] / 400), 1)
