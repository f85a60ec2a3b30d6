"""Class names: ImageNet's from timm, AudioSet's from its own csv."""

from __future__ import annotations

import csv
from pathlib import Path

from timm.data import ImageNetInfo

AUDIOSET_CLASSES = 527

# AudioSet classes that no visible object makes, or any could: they take no part in the consensus.
UNSEEN_SOUNDS = frozenset(
    """Silence|Noise|White noise|Pink noise|Static|Hum|Mains hum|Sine wave|Harmonic|Chirp tone|Pulse|Throbbing|Vibration
    |Environmental noise|Inside, small room|Inside, large room or hall|Inside, public space|Outside, urban or manmade
    |Outside, rural or natural|Reverberation|Echo|Sound effect|Distortion|Sidetone|Cacophony|Field recording|Music
    |Musical instrument|Animal|Domestic animals, pets|Livestock, farm animals, working animals|Wild animals|Vehicle
    |Motor vehicle (road)|Land vehicle|Wind|Rain|Raindrop|Rain on surface|Wind noise (microphone)|Rustle|Water|Ocean
    |Thunder|Thunderstorm|Fire|Crackle|Inside|Speech synthesizer""".replace("\n    ", "").split("|")
)


def imagenet_names() -> tuple[list[str], list[str]]:
    """WordNet ids and names ("violin, fiddle") of the 1000 ImageNet classes, in their index order."""
    info = ImageNetInfo("imagenet-1k")
    return [info.index_to_label_name(index) for index in range(1000)], list(info.label_descriptions())


def audioset_names(path: Path) -> list[str]:
    """Display names from AudioSet's class_labels_indices.csv, in index order.

    Raises:
        ValueError: the file has other columns or another number of classes.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or "display_name" not in rows[0] or len(rows) != AUDIOSET_CLASSES:
        raise ValueError(
            f"{path} is not AudioSet's class list: expected {AUDIOSET_CLASSES} rows with index, mid, display_name; "
            f"got {len(rows)} rows with {', '.join(rows[0]) if rows else 'no header'}"
        )
    return [row["display_name"] for row in rows]
