"""What makes a sound that a data set names: the nouns of its possible sources and the AudioSet classes that are right for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from c3n_model.labels.sound_sources import GENERIC_SOUNDS, imagenet_nouns, is_a, noun_of, sound_sources

# Words of captions such as VGGSound's ("people clapping") -> our noun.
_WORDS = {
    **dict.fromkeys(
        ("people", "man", "woman", "men", "women", "male", "female", "child", "children", "baby"), "person"
    ),
    "motorboat": "boat",
    "fire truck": "fire engine",
    "drum kit": "drum",
    "firetruck": "fire engine",
    "orchestra": "violin",
    "rooster": "chicken",
    "hen": "chicken",
}


@cache
def known_folders() -> dict[str, tuple[str, frozenset[str]]]:
    """Read `named_sounds.txt`: {folder name: (noun or "", correct AudioSet classes)}."""
    lines = (Path(__file__).parent / "named_sounds.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split(":", 2) for line in lines if line and not line.startswith("#")]
    return {
        name.strip(): (noun.strip().strip("-"), frozenset(part.strip() for part in right.split("|")))
        for name, noun, right in rows
    }


def source_of(name: str) -> tuple[str, frozenset[str]] | None:
    """Look up the noun and the correct AudioSet classes for a folder or object name; None if it is unknown."""
    key = re.sub(r"[\s_-]+", "_", name.strip().lower())
    key = re.sub(r"^\d+_", "", key)  # ESC-10 has numbered folders, "001 - Dog bark"
    if key in known_folders():
        return known_folders()[key]
    noun = noun_of(key)
    right = classes_of(noun)
    return (noun, right) if right or noun in imagenet_nouns() else None


@cache
def classes_of(noun: str) -> frozenset[str]:
    """Return the AudioSet classes that a noun makes."""
    return frozenset(sound for sound, nouns in sound_sources().items() if noun in nouns)


def caption_source(caption: str) -> tuple[str, frozenset[str]] | None:
    """Look up a caption ("playing acoustic guitar") as `source_of` does, by its longest part that names a source."""
    known = source_of(caption)
    if known is not None:
        return known
    words = re.findall(r"[a-z]+", caption.lower())
    for length in range(len(words), 0, -1):
        for start in range(len(words) - length + 1):
            part = " ".join(words[start : start + length])
            for name in (part, part.removesuffix("s"), part.removesuffix("es")):
                noun = _WORDS.get(name, noun_of(name))
                if classes_of(noun):
                    return noun, classes_of(noun)
    return None


def common_sources(classes: Iterable[str]) -> frozenset[str] | None:
    """Return the nouns that can make all sounds of an AudioSet clip, the empty set if none of them has a visible source.

    Generic classes ("Animal", "Music") do not count beside others. None if no single noun makes all of them ("Speech" and
    "Bark"), or if only generic classes are given: such a clip does not tell what sounds.
    """
    given = set(classes)
    specific = [sound_sources()[name] for name in given - GENERIC_SOUNDS if name in sound_sources()]
    if not specific:
        return None if given & GENERIC_SOUNDS or not given else frozenset()
    return frozenset.intersection(*specific) or None


@cache
def makes(noun: str, sources: frozenset[str]) -> bool:
    """Check whether a thing called `noun` makes a sound with these sources: a bird makes the sound of a rooster."""
    return any(is_a(source, noun) for source in sources)


@cache
def might_make(noun: str, sources: frozenset[str], classes: frozenset[str]) -> bool:
    """Check whether a `noun` could be the source, under this or a related name, of a sound with these sources and AudioSet
    classes: a truck could be the source of a siren."""
    by_name = any(is_a(source, noun) or is_a(noun, source) for source in sources)
    return by_name or any(noun in sound_sources().get(name, ()) for name in classes)
