"""Real sounds for the bench: the loudest second of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from c3n_model.experiments.direction.bench import RATE
from c3n_model.experiments.zero_shot.sounds import SUFFIXES, read_sound


def loudest_seconds(folder: Path) -> list[np.ndarray]:
    """Return the loudest second of each sound file in `folder` and its subfolders: float32 (RATE,) each.

    Raises ValueError for a folder without one.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise ValueError(f"no sound in {folder}: expected files {', '.join(SUFFIXES)}")
    return [read_sound(path, path.stem, "", frozenset()).seconds(RATE)[-1] for path in paths]
