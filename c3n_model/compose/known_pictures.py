"""Pictures whose class is known by the name of their folder or file, without outlines: ImageNet's, or one's own in a folder a class."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from c3n_model.labels.named_sounds import classes_of
from c3n_model.labels.names import imagenet_names
from c3n_model.labels.sound_sources import KINDS, imagenet_nouns, noun_of
from c3n_model.sources.media import PICTURE_SUFFIXES
from c3n_model.zero_shot.vocabulary import PERSON


def list_known(folder: Path) -> Iterator[tuple[Path, str | None]]:
    """Yield the pictures below a folder with the noun of each, None where its name does not tell what can be heard.

    The name is that of the folder in it, or without one that of the file: `dog/1.jpg`, `n02099601_golden_retriever.JPEG`.
    """
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES):
        inside = path.relative_to(folder).parts
        yield path, noun_of_name(inside[0] if len(inside) > 1 else path.stem)


@cache
def noun_of_name(name: str) -> str | None:
    """Return the noun of a class by its name, which may begin with its WordNet id; None without a known sound, or if ImageNet has
    several classes of this name."""
    name = re.sub(r"^n\d{8}[_-]?", "", name).replace("_", " ").strip().lower()
    if name in _nouns_by_label():
        return _nouns_by_label()[name]
    noun = noun_of(re.sub(r"[\s-]*\d+$", "", name))
    return noun if classes_of(noun) else None


@cache
def _nouns_by_label() -> dict[str, str | None]:
    """ImageNet's names and synonyms, each with the narrowest noun of its class that makes a sound. What people wear is not a person."""
    sounding = {
        noun: members for noun, members in imagenet_nouns().items() if noun not in (*KINDS, PERSON) and classes_of(noun)
    }
    found: dict[str, str | None] = {}
    for index, label in enumerate(imagenet_names()):
        own = [noun for noun, members in sounding.items() if index in members]
        noun = min(own, key=lambda noun: len(sounding[noun]), default=None)
        for name in label.lower().split(","):
            found[name.strip()] = noun if found.get(name.strip(), noun) == noun else None
    return found
