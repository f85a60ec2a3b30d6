"""Scenes: a picture, the thing in it that sounds, its true mask, and a real sound of such a thing."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from c3n_model.experiments.zero_shot.pictures import Picture
from c3n_model.experiments.zero_shot.sounds import Sound
from c3n_model.labels.sound_sources import is_a, sound_sources

SMALLEST_AREA = 0.05  # of the picture; what sounds in AVSBench is prominent, too
SOUNDS_A_PICTURE = 4


@dataclass(frozen=True)
class Scene:
    """`noun` of the picture's category that sounds, and its `mask` bool (H, W); "" and an empty mask where the sound comes
    from nothing in view."""

    picture: Picture
    sound: Sound
    noun: str
    mask: np.ndarray


def compose(pictures: list[Picture], sounds: list[Sound]) -> list[Scene]:
    """Every category of a picture that covers SMALLEST_AREA of it, with up to SOUNDS_A_PICTURE sounds of such a thing;
    which ones depends on the picture's name alone."""
    scenes = []
    for picture in pictures:
        for noun, mask in sorted(picture.masks.items()):
            if mask.mean() >= SMALLEST_AREA:
                fitting = [sound for sound in sounds if sound.noun and is_a(sound.noun, noun)]
                scenes += [Scene(picture, sound, noun, mask) for sound in _draw(fitting, picture.name + noun)]
    return scenes


def compose_off_screen(pictures: list[Picture], sounds: list[Sound]) -> list[Scene]:
    """Every picture with up to SOUNDS_A_PICTURE sounds of things that are not in it: the right mask is empty. What could be
    in it under another name (a siren and a truck, an engine and a bus) is left out."""
    scenes = []
    for picture in pictures:
        absent = [sound for sound in sounds if not any(_may_make(noun, sound) for noun in picture.masks)]
        nothing = np.zeros(picture.rgb.shape[:2], bool)
        scenes += [Scene(picture, sound, "", nothing) for sound in _draw(absent, picture.name)]
    return scenes


def _may_make(noun: str, sound: Sound) -> bool:
    by_name = is_a(sound.noun, noun) or is_a(noun, sound.noun)
    sources = sound_sources()
    heard = sound.right or [name for name, nouns in sources.items() if sound.noun in nouns]
    return by_name or any(noun in sources.get(name, ()) for name in heard)


def _draw(sounds: list[Sound], name: str) -> list[Sound]:
    """Some of `sounds`, evenly spread from a start that `name` decides."""
    count = min(SOUNDS_A_PICTURE, len(sounds))
    start = zlib.crc32(name.encode())
    return [sounds[(start + number * len(sounds) // count) % len(sounds)] for number in range(count)]
