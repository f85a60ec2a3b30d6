"""Layout of AVSBench-semantic, whose subsets v1s and v1m are the clips of S4 and MS3 at their original size.

    metadata.csv                             uid, label (v1s, v1m, v2), split; a_obj: the sounding object, in v1m several with "_"
    <label>/<uid>/frames/<0..4>.jpg
    <label>/<uid>/labels_rgb/<0..4>.png      one colour for each of 71 classes; black is background (v1s train: only 0)
    <label>/<uid>/audio.wav

C3N predicts which pixels sound, not their class: every pixel that is not black belongs to the mask.
"""

from __future__ import annotations

from pathlib import Path

from c3n_model.data.clip_files import CLIP_FRAMES, ClipPaths, mask_count, read_rows
from c3n_model.files.outputs import plain_name

TITLE = "semantic release"
LABELS = {"s4": "v1s", "ms3": "v1m"}


def find(root: Path, setting: str) -> Path | None:
    """Find metadata.csv in `root`, next to the setting's clips; None if either is missing."""
    table = root / "metadata.csv"
    return table if table.is_file() and (root / LABELS[setting]).is_dir() else None


def clips(table: Path, setting: str) -> list[ClipPaths]:
    """List the setting's clips. Raises ValueError for a csv without the required columns."""
    rows = read_rows(table, ("uid", "label", "split"))
    return [_clip_paths(table.parent, setting, row) for row in rows if row["label"] == LABELS[setting]]


def clip_folders(table: Path, setting: str) -> list[Path]:
    """List the frame folders on disk, whether the csv lists them or not."""
    return list((table.parent / LABELS[setting]).glob("*/frames"))


def _clip_paths(root: Path, setting: str, row: dict[str, str]) -> ClipPaths:
    folder = root / LABELS[setting] / plain_name(row["uid"], str(root / "metadata.csv"))
    # One row of the release is misspelt as "h orse".
    objects = row.get("a_obj", "").replace(" ", "")
    category = objects if setting == "s4" else ""
    return ClipPaths(
        row["uid"],
        row["split"],
        category,
        frames=tuple(folder / f"frames/{number}.jpg" for number in range(CLIP_FRAMES)),
        masks=tuple(folder / f"labels_rgb/{number}.png" for number in range(mask_count(setting, row["split"]))),
        wav=folder / "audio.wav",
        in_view=frozenset(filter(None, [objects] if setting == "s4" else objects.split("_"))),
    )
