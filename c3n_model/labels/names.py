"""Class names: ImageNet's from timm, AudioSet's from its csv file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from itertools import zip_longest
from pathlib import Path

from timm.data import ImageNetInfo

AUDIOSET_CLASSES = 527
IMAGENET_CLASSES = 1000


def imagenet_names() -> list[str]:
    """Return the names ("violin, fiddle") of the 1000 ImageNet classes, in index order."""
    return list(_imagenet_names())


@cache
def _imagenet_names() -> tuple[str, ...]:
    """Cache the names, because timm reads its files on every call."""
    return tuple(ImageNetInfo("imagenet-1k").label_descriptions())


def audioset_names(path: Path) -> list[str]:
    """Read the display names from AudioSet's class_labels_indices.csv, in index order.

    Raises:
        ValueError: wrong columns or number of classes.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or "display_name" not in rows[0] or len(rows) != AUDIOSET_CLASSES:
        raise ValueError(
            f"{path} is not AudioSet's class list: expected {AUDIOSET_CLASSES} rows with index, mid, display_name; "
            f"got {len(rows)} rows with {', '.join(rows[0]) if rows else 'no header'}"
        )
    return [row["display_name"] for row in rows]


def check_public_labels(audio_labels: Sequence[str], visual_labels: Sequence[str], sounds: Sequence[str]) -> None:
    """Check that the labels of a table are those of the public weights, in their order: a classifier only knows indices.

    `sounds` are AudioSet's names in index order (`audioset_names`); the visual labels are compared with `imagenet_names`.

    Raises:
        ValueError: the number, names or order of the labels differ; the message names the first difference.
    """
    for source, kind, labels, expected in (
        ("AudioSet", "audio", audio_labels, sounds),
        ("ImageNet", "visual", visual_labels, imagenet_names()),
    ):
        if list(labels) == list(expected):
            continue
        pairs = enumerate(zip_longest(labels, expected, fillvalue="nothing"))
        index, (got, correct) = next((index, pair) for index, pair in pairs if pair[0] != pair[1])
        raise ValueError(
            f"the label table has {len(audio_labels)} audio and {len(visual_labels)} visual labels, the public weights have "
            f"AudioSet's {len(sounds)} and ImageNet's {len(imagenet_names())} in index order: {kind} label {index} is "
            f"{got!r}, in {source} {correct!r}; build a table with c3n labels build"
        )


def read_labels(path: Path) -> list[str]:
    """Read labels from a file: AudioSet's class_labels_indices.csv (any .csv), else one label per line, ignoring empty lines.

    Raises:
        FileNotFoundError: no such file. ValueError: a .csv that is not AudioSet's, not a text file, or no labels.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no such label file: {path}")
    try:
        if path.suffix == ".csv":
            return audioset_names(path)
        labels = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a UTF-8 text file: {error}") from error
    if not labels:
        raise ValueError(f"{path} contains no labels; expected one per line")
    return labels
