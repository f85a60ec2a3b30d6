"""Class names: ImageNet's from timm, AudioSet's from its own csv, and the everyday word for what ImageNet calls exactly."""

from __future__ import annotations

import csv
from pathlib import Path

from timm.data import ImageNetInfo

AUDIOSET_CLASSES = 527


def _labels(text: str) -> frozenset[str]:
    """Labels that are written with bars between them; some hold commas."""
    return frozenset(label.strip() for label in text.split("|"))


# AudioSet classes that no object in view explains: hearing them is hearing nothing that a mask could belong to.
AMBIENT_SOUNDS = _labels(
    """
    Silence|Noise|White noise|Pink noise|Static|Hum|Mains hum|Sine wave|Harmonic|Chirp tone|Pulse|
    Throbbing|Vibration|Environmental noise|Inside, small room|Inside, large room or hall|Inside, public space|
    Outside, urban or manmade|Outside, rural or natural|Reverberation|Echo|Sound effect|Distortion|Sidetone|
    Cacophony|Field recording|Wind|Rain|Raindrop|Rain on surface|Wind noise (microphone)|Rustle|Water|
    Ocean|Waves, surf|Stream|Thunder|Thunderstorm|Fire|Crackle
    """
)

# AudioSet classes that are audible but name too much: beside "Animal", every ImageNet animal would agree.
GENERIC_SOUNDS = _labels(
    """
    Music|Musical instrument|Animal|Domestic animals, pets|Livestock, farm animals, working animals|
    Wild animals|Vehicle|Motor vehicle (road)|Speech synthesizer
    """
)

# Everyday word -> ImageNet classes (inclusive ranges of index). ImageNet knows sorrel and minibus, people hear horse and bus.
EVERYDAY_WORDS = {
    "chicken": [(7, 8)],
    "owl": [(24, 24)],
    "frog": [(30, 32)],
    "snake": [(52, 68)],
    "duck": [(97, 98)],
    "dog": [(151, 268)],
    "coyote": [(272, 272)],
    "cat": [(281, 285)],
    "lion": [(291, 291)],
    "tiger": [(292, 292)],
    "bee": [(309, 309)],
    "horse": [(339, 339)],
    "pig": [(341, 342)],
    "cow": [(345, 345)],
    "sheep": [(348, 349)],
    "elephant": [(385, 386)],
    "guitar": [(402, 402), (546, 546)],
    "airplane": [(404, 404), (895, 895)],
    "clock": [(409, 409), (530, 530), (892, 892)],
    "car": [(436, 436), (468, 468), (511, 511), (627, 627), (656, 656), (661, 661), (751, 751), (817, 817)],
    "bell": [(494, 494)],
    "keyboard": [(508, 508), (878, 878)],
    "trumpet": [(513, 513)],
    "truck": [(569, 569), (675, 675), (717, 717), (864, 864), (867, 867)],
    "train": [(466, 466), (547, 547), (705, 705), (820, 820)],
    "piano": [(579, 579), (881, 881)],
    "bus": [(654, 654), (779, 779), (874, 874)],
    "motorcycle": [(665, 665), (670, 670)],
    "boat": [(472, 472), (554, 554), (625, 625), (814, 814)],
    "telephone": [(487, 487), (528, 528), (707, 707)],
}


def imagenet_names() -> list[str]:
    """Names ("violin, fiddle") of the 1000 ImageNet classes, in index order."""
    return list(ImageNetInfo("imagenet-1k").label_descriptions())


def everyday_names() -> list[str]:
    """The names of `imagenet_names`, with the everyday word in place of those that EVERYDAY_WORDS covers."""
    names = imagenet_names()
    for word, ranges in EVERYDAY_WORDS.items():
        for first, last in ranges:
            names[first : last + 1] = [word] * (last + 1 - first)
    return names


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


def read_labels(path: Path) -> list[str]:
    """Labels from a file: AudioSet's class_labels_indices.csv (any .csv), else one label a line; empty lines are passed over.

    Raises:
        FileNotFoundError: no such file. ValueError: a .csv that is not AudioSet's, no text, or no label in it.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no such file of labels: {path}")
    try:
        if path.suffix == ".csv":
            return audioset_names(path)
        labels = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text: {error}") from error
    if not labels:
        raise ValueError(f"{path} holds no labels; expected one a line")
    return labels
