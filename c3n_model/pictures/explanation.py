"""Draw an explanation as a picture, like Figure 6 of the paper (top, lower left) and the CCAM row of Figure 7 (right)."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle

from c3n_model.complete_file import complete_file
from c3n_model.pictures.overlay import MASK_COLOUR, draw_attention, draw_mask
from c3n_model.streaming.explain import Explanation, Ranking

AUDIO_COLOUR, VISUAL_COLOUR = "#8fbce6", "#95d0b2"
CHOSEN_COLOUR = tuple(channel / 255 for channel in MASK_COLOUR)  # the chosen label has the colour of the mask
_DOTS_PER_INCH = 100
_LONGEST_LABEL = 24  # characters


def draw_explanation(explanation: Explanation, path: Path) -> list[str]:
    """Write `explanation` as a PNG, 1600 pixels wide; return the titles of its panels, row by row.

    Raises OSError if the file cannot be written.
    """
    has_reasons = explanation.similarity is not None or bool(explanation.attention)
    settings = {"text.parse_math": False, "font.size": 10, "axes.titlesize": 11}
    with matplotlib.rc_context(settings):
        figure = Figure((16, 9 if has_reasons else 4.8), _DOTS_PER_INCH, layout="constrained")
        figure.suptitle(_headline(explanation), fontsize=15)
        rows = figure.subfigures(1 + has_reasons, 1, height_ratios=(1, 1.15)[: 1 + has_reasons], squeeze=False)
        _draw_evidence(rows[0, 0], explanation)
        if has_reasons:
            _draw_reasons(rows[1, 0], explanation)
        with complete_file(path) as partial:
            figure.savefig(partial, format="png", facecolor="white")
    return [title for axes in figure.get_axes() if (title := axes.get_title())]


def _headline(explanation: Explanation) -> str:
    segmentation = explanation.segmentation
    label, presence = segmentation.label, segmentation.presence
    fields = [
        f"{segmentation.window_start_ns / 1e9:.0f} s",
        f"{_short(label.audio)} ~ {_short(label.visual)}",
        f"consensus {label.consensus:.2f}",
        f"audible {presence.score:.2f} at {presence.loudness_dbfs:.0f} dBFS"
        + ("" if presence.present else f": {presence.reason}"),
    ]
    return "   |   ".join(fields)


def _draw_evidence(row: SubFigure, explanation: Explanation) -> None:
    """Draw the frame, the audio and visual classes, and the mask."""
    rgb, mask = explanation.window.frame.rgb, explanation.segmentation.mask
    panels = iter(row.subplots(1, 3 if explanation.visual is None else 4))
    _draw_picture(next(panels), rgb, "frame")
    _draw_bars(next(panels), explanation.audio, AUDIO_COLOUR, "heard")
    if explanation.visual is not None:
        _draw_bars(next(panels), explanation.visual, VISUAL_COLOUR, "seen")
    _draw_picture(next(panels), draw_mask(rgb, mask), f"mask: {100 * mask.mean():.1f} % of the image")


def _draw_reasons(row: SubFigure, explanation: Explanation) -> None:
    """Draw the label matrices and CCAM's attention."""
    matrices = [
        ("label similarity (M_sim, Eq. 5)", explanation.similarity),
        ("consensus (M_cof, Eq. 6)", explanation.consensus),
    ]
    matrices = [(title, matrix) for title, matrix in matrices if matrix is not None]
    stages = len(explanation.attention)
    subfigures = iter(np.atleast_1d(row.subfigures(1, bool(matrices) + bool(stages))))
    if matrices:
        panels = np.atleast_1d(next(subfigures).subplots(1, len(matrices), sharey=True))
        for panel, (title, matrix) in zip(panels, matrices, strict=True):
            _draw_matrix(panel, matrix, explanation, title)
        panels[0].set_yticks(range(len(explanation.audio.labels)), [_short(name) for name in explanation.audio.labels])
    if stages:
        panels = next(subfigures).subplots(2, stages, squeeze=False)
        for stage, maps in enumerate(explanation.attention):
            for panel, attention, title in zip(
                panels[:, stage], maps, ("without the label", "with the label"), strict=True
            ):
                _draw_attention(panel, explanation.window.frame.rgb, attention, f"stage {stage + 1}, {title}")


def _draw_picture(axes: Axes, rgb: np.ndarray, title: str) -> None:
    axes.imshow(rgb)
    axes.set_title(title)
    axes.set_axis_off()


def _draw_bars(axes: Axes, ranking: Ranking, colour: str, title: str) -> None:
    """Draw bars of c^alpha or c^beta as in Figure 6, with the confidence c next to the name."""
    places = range(len(ranking.labels))
    colours = [CHOSEN_COLOUR if place == ranking.chosen else colour for place in places]
    axes.barh(places, ranking.weighted, color=colours)
    for place, name, confidence, weighted in zip(
        places, ranking.labels, ranking.confidence, ranking.weighted, strict=True
    ):
        axes.text(0.02, place, f"{_short(name)}  {_percent(confidence)}", va="center")
        axes.text(1.03, place, f"{weighted:.2f}", va="center")
    axes.set(xlim=(0, 1.16), ylim=(len(places) - 0.4, -0.6), title=f"{title}: confidence^{ranking.exponent:g}")
    axes.set_axis_off()


def _draw_matrix(axes: Axes, matrix: np.ndarray, explanation: Explanation, title: str) -> None:
    chosen = explanation.audio.chosen, explanation.visual.chosen
    top = max(float(matrix.max()), 1e-6)
    axes.imshow(matrix, cmap="Greys", vmin=0, vmax=1.3 * top, aspect="auto")
    for (row, column), value in np.ndenumerate(matrix):
        axes.text(
            column, row, f"{value:.2f}", ha="center", va="center", color="white" if value > 0.75 * top else "black"
        )
    corner = chosen[1] - 0.5, chosen[0] - 0.5
    frame = Rectangle(corner, 1, 1, fill=False, color=CHOSEN_COLOUR, linewidth=4, clip_on=False, zorder=5)
    axes.add_patch(frame)
    names = [_short(name) for name in explanation.visual.labels]
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_title(title)
    axes.set_xticks(np.arange(1, len(names)) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, len(matrix)) - 0.5, minor=True)
    axes.grid(which="minor", color="lightgrey", linewidth=0.5)
    axes.spines[:].set_color("lightgrey")
    axes.tick_params(which="both", length=0)


def _draw_attention(axes: Axes, rgb: np.ndarray, attention: np.ndarray, title: str) -> None:
    """Draw an attention map over the grey frame, scaled to its own range, which is written below because it is often tiny."""
    axes.imshow(draw_attention(rgb, attention))
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(f"{attention.min():.3f} to {attention.max():.3f}", fontsize=9)
    axes.set(xticks=[], yticks=[])


def _short(label: str) -> str:
    """Return the first synonym, shortened to fit a panel; explain.json has the full label."""
    first = label.split(",")[0]
    return first if len(first) <= _LONGEST_LABEL else first[: _LONGEST_LABEL - 2].rstrip() + ".."


def _percent(confidence: float) -> str:
    return f"{100 * confidence:.0f} %" if confidence >= 0.01 else "< 1 %"
