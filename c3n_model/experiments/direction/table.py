"""What `c3n direction-bench` prints: errors and decisions of all scenes, and by reverberation, noise and its kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from c3n_model.experiments.direction.bench import NOISES, Conditions, Range, Scene

OUTCOMES = ("right", "undecided", "wrong")
NONE = "-"


def table(name: str, scenes: Sequence[Scene], outside: Sequence[Scene], conditions: Conditions) -> list[str]:
    """Return the lines of a Markdown table for the array `name`; `outside` are the scenes whose sound comes from outside the picture.

    A cell is the share of right, undecided and wrong decisions, and of right ones among the decided in brackets.
    """
    angles = sorted({angle for scene in scenes for angle in scene.decisions})
    heads = [f"{name}, scenes", "error, median and 90 %", *(f"{angle:g}° apart" for angle in angles)]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for label, chosen in _groups(scenes, conditions):
        errors = [scene.error for scene in chosen]
        cells = [shares([scene.decisions[angle] for scene in chosen if angle in scene.decisions]) for angle in angles]
        lines.append(
            _row(
                [
                    f"{label}, {len(chosen)}",
                    f"{np.median(errors):.1f}°, {np.percentile(errors, 90):.1f}°",
                    *cells,
                ]
            )
        )
    return [*lines, "", f"{name}, sound from outside the picture: {shares([scene.outside for scene in outside])}", ""]


def shares(decisions: Sequence[str]) -> str:
    """Return the shares of OUTCOMES, and in brackets that of the right ones among the decided."""
    if not decisions:
        return NONE
    right, undecided, wrong = (sum(decision == outcome for decision in decisions) for outcome in OUTCOMES)
    decided = f"{right / (right + wrong):.2f}" if right + wrong else NONE
    return " / ".join(f"{count / len(decisions):.2f}" for count in (right, undecided, wrong)) + f" ({decided})"


def _groups(scenes: Sequence[Scene], conditions: Conditions) -> Iterator[tuple[str, list[Scene]]]:
    """Yield the name and the scenes of each row that has any."""
    groups = [("all", list(scenes))]
    for low, high in _thirds(conditions.reverberation_s):
        groups.append(
            (f"RT60 {low:.2g} to {high:.2g} s", [scene for scene in scenes if low <= scene.reverberation_s < high])
        )
    for low, high in _thirds(conditions.snr_db):
        groups.append((f"{low:.3g} to {high:.3g} dB", [scene for scene in scenes if low <= scene.snr_db < high]))
    groups += [(f"noise: {noise}", [scene for scene in scenes if scene.noise == noise]) for noise in NOISES]
    return ((label, chosen) for label, chosen in groups if chosen)


def _thirds(limits: Range) -> list[Range]:
    """Return the thirds of a range, none of one that is a single value."""
    edges = np.linspace(*limits, 4)
    return (
        [(float(low), float(high)) for low, high in zip(edges, edges[1:], strict=False)] if edges[0] < edges[-1] else []
    )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
