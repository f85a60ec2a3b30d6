"""Cut-outs: pictures of one thing with an alpha channel. `names.txt` has lines `NAME noun`; without one NAME is the noun."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from c3n_model.labels.sound_sources import noun_of
from c3n_model.sources.picture_files import open_picture


def list_cutouts(folder: Path) -> list[tuple[Path, str]]:
    """Return the PNG files in a folder with their nouns. Raises ValueError for a bad names.txt."""
    nouns = read_names(folder / "names.txt")
    return [(path, noun_of(nouns.get(path.stem, path.stem))) for path in sorted(folder.glob("*.png"))]


def read_names(path: Path) -> dict[str, str]:
    """Read names.txt: nouns by file name, {} without the file. Raises ValueError."""
    if not path.is_file():
        return {}
    lines = [line.split(maxsplit=1) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    bad = next((line for line in lines if len(line) != 2), None)
    if bad:
        raise ValueError(f"{path} has the line {' '.join(bad)!r}; expected NAME and a noun: firetruck fire engine")
    return {name: noun.strip() for name, noun in lines}


def read_alpha(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read rgb uint8 (h, w, 3) and alpha float32 (h, w) in [0, 1], cropped to what is opaque. Raises ValueError."""
    picture = open_picture(path)
    rgba = np.asarray(picture.convert("RGBA"))
    if not picture.has_transparency_data or not rgba[..., 3].any():
        raise ValueError(
            f"{path} is not a cut-out: expected RGB with an alpha channel that is not all 0, got mode {picture.mode}"
        )
    rows, columns = (np.flatnonzero((rgba[..., 3] > 127).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise ValueError(f"{path} is not a cut-out: expected alpha above one half somewhere")
    rgba = rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.ascontiguousarray(rgba[..., :3]), rgba[..., 3].astype(np.float32) / 255
