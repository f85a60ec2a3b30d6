"""Label similarity (Eq. 5) from a table of the objects that make each sound, instead of word vectors.

With word vectors "Horse" and "sorrel" have little in common (cosine 0.29) and "Animal" is similar to every animal. Here an
AudioSet class lists the nouns that can produce it (`sound_sources.txt`), a noun contains the ImageNet classes below it in
WordNet's hierarchy (`imagenet_nouns.txt`), and a generic class of AudioSet's ontology ("Animal", "Vehicle") agrees with
every noun of its kind, but less than a specific class does.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

SOURCE_SIMILARITY = 1.0
KIND_SIMILARITY = 0.5

# Generic AudioSet classes and their possible sources: all nouns whose ImageNet classes belong to one noun, or a list.
_KINDS_BY_NOUN = {
    "Animal": "animal",
    "Vehicle": "vehicle",
    "Music": "musical instrument",
    "Musical instrument": "musical instrument",
}
_KINDS_BY_LIST = {
    "Domestic animals, pets": "dog cat bird rabbit",
    "Wild animals": "wolf fox lion tiger leopard bear owl parrot bird frog snake monkey elephant zebra seal camel giraffe",
    "Livestock, farm animals, working animals": "horse cow pig sheep goat donkey camel chicken turkey duck goose",
    "Water": "fountain waterfall lake sea sink bathtub",  # the class of rain, too
}
GENERIC_SOUNDS = frozenset({*_KINDS_BY_NOUN, *_KINDS_BY_LIST})
KINDS = ("animal", "vehicle", "musical instrument")  # nouns that are too general as a label

# Names in segmenters and datasets -> the noun used here.
SYNONYMS = {
    "aeroplane": "airplane",
    "motorbike": "motorcycle",
    "tvmonitor": "television",
    "tv": "television",
    "cell phone": "telephone",
    "mouse": "computer mouse",  # in COCO and ADE20K; the animal is a rodent
    "wine glass": "glass",
    "bowl": "dishes",
    "hair drier": "hair dryer",
    "computer keyboard": "keyboard",
    "rooster": "chicken",
    "hen": "chicken",
}


@cache
def imagenet_nouns() -> dict[str, tuple[int, ...]]:
    """Map each noun to the indices of its ImageNet-1k classes."""
    nouns = {}
    for noun, text in _lines("imagenet_nouns.txt"):
        ranges = [item.partition("-") for item in text.split()]
        nouns[noun] = tuple(k for first, _, last in ranges for k in range(int(first), int(last or first) + 1))
    return nouns


@cache
def sound_sources() -> dict[str, frozenset[str]]:
    """Map each AudioSet class to the nouns that make that sound."""
    sources: dict[str, set[str]] = {}
    for noun, text in _lines("sound_sources.txt"):
        for sound in text.split("|"):
            sources.setdefault(sound.strip(), set()).add(noun)
    return {sound: frozenset(nouns) for sound, nouns in sources.items()}


def noun_of(label: str) -> str:
    """Convert a label of a segmenter or dataset to the noun used here: "aeroplane" -> "airplane"."""
    name = label.strip().lower().replace("_", " ")
    return SYNONYMS.get(name, name)


def is_a(noun: str, other: str) -> bool:
    """Return whether every `noun` is an `other`: a rooster is a bird, an ambulance is a car."""
    nouns = imagenet_nouns()
    return noun == other or (noun in nouns and other in nouns and set(nouns[noun]) <= set(nouns[other]))


def source_similarity(sounds: list[str] | tuple[str, ...], nouns: list[str] | tuple[str, ...]) -> np.ndarray:
    """Compute the similarity of AudioSet classes and nouns, float32 (K_a, K_v).

    SOURCE_SIMILARITY if the noun makes the sound, KIND_SIMILARITY if the sound names only the noun's kind, else 0.
    """
    similarity = np.zeros((len(sounds), len(nouns)), np.float32)
    for row, sound in enumerate(sounds):
        sources, kind = sound_sources().get(sound, frozenset()), _KINDS_BY_NOUN.get(sound)
        members = _KINDS_BY_LIST.get(sound, "").split()
        for column, noun in enumerate(nouns):
            if noun in sources:
                similarity[row, column] = SOURCE_SIMILARITY
            elif noun in members or (kind is not None and is_a(noun, kind)):
                similarity[row, column] = KIND_SIMILARITY
    return similarity


def _lines(name: str) -> list[tuple[str, str]]:
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(key.strip(), value) for key, _, value in (line.partition(":") for line in lines)]
