"""Who sounds in which second of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from c3n_model.data.clip_files import CLIP_FRAMES

State = Literal["one", "both", "out of view", "ambience", "noise", "silence"]
# How often a run of seconds begins with each state in clips of several sources (MS3).
FREQUENCIES: dict[State, float] = {
    "one": 0.48,
    "both": 0.2,
    "out of view": 0.12,
    "ambience": 0.06,
    "noise": 0.08,
    "silence": 0.06,
}
LONGEST_RUN = 4  # seconds


@dataclass(frozen=True)
class Second:
    """The state of a second and the sounding sources in view, by index."""

    state: State
    sources: frozenset[int] = frozenset()


def single_source() -> tuple[Second, ...]:
    """The timeline of S4: one source, always."""
    return (Second("one", frozenset({0})),) * CLIP_FRAMES


def several_sources(sources: int, random: np.random.Generator) -> tuple[Second, ...]:
    """Draw a timeline of MS3 for a number of sources in view, which may be 0: runs of one to LONGEST_RUN seconds."""
    possible = [state for state in FREQUENCIES if sources >= {"one": 1, "both": 2}.get(state, 0)]
    weights = np.array([FREQUENCIES[state] for state in possible])
    timeline: list[Second] = []
    while len(timeline) < CLIP_FRAMES:
        state = possible[random.choice(len(possible), p=weights / weights.sum())]
        count = {"one": 1, "both": 2}.get(state, 0)
        chosen = frozenset(random.choice(sources, size=count, replace=False).tolist()) if count else frozenset()
        timeline += [Second(state, chosen)] * int(random.integers(1, LONGEST_RUN + 1))
    return tuple(timeline[:CLIP_FRAMES])
