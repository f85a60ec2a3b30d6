"""Compose scenes from an image, a sound and the true mask. The sounds of an image depend only on its name."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from c3n_model.compose.noises import Heard, Mixture, Noise
from c3n_model.experiments.zero_shot.pictures import Picture
from c3n_model.experiments.zero_shot.sounds import Sound
from c3n_model.labels.named_sounds import classes_of, might_make
from c3n_model.labels.sound_sources import is_a
from c3n_model.types import Clip

PROMINENT = (0.05, 1.0)  # fractions of the image; sounding objects in AVSBench are prominent, too
SMALL = (0.01, 0.05)
SMALLEST_INSTANCE = 0.02  # fraction of the image, for instances in `two_of_a_kind`
SOUNDS_PER_PICTURE = 4
MOTOR = Noise("motor", -30.0)
NOISES = (
    Noise("digital silence", 0.0),
    Noise("white noise", -30.0),
    Noise("pink noise", -30.0),
    Noise("room tone", -50.0),
    MOTOR,
)


@dataclass(frozen=True)
class Scene:
    """An image `rgb` uint8 (H, W, 3), a sound, and the `mask` bool (H, W) of the sounding objects in view.

    `noun` is the class in tables, the source of the sound. `right` are the correct nouns, empty if the source is not in view.
    Scenes of one `group` (the image, or the cut-out) are dependent and are resampled together.
    """

    name: str
    group: str
    noun: str
    right: frozenset[str]
    rgb: np.ndarray
    mask: np.ndarray
    sound: Heard

    def clip(self, sample_rate: int, history: int) -> Clip:
        """Return the scene as a clip: a still image with up to `history` seconds of sound, and a mask in the last one."""
        snippets = self.sound.seconds(sample_rate)[-history:]
        seconds = len(snippets)
        masks = np.zeros((seconds, *self.mask.shape), bool)
        masks[-1] = self.mask
        frames = np.broadcast_to(self.rgb, (seconds, *self.rgb.shape))
        return Clip(self.name, frames, snippets, masks, np.arange(seconds) == seconds - 1, self.noun)


def in_view(picture: Picture, noun: str, mask: np.ndarray, sound: Heard) -> Scene:
    """Compose a scene in which the object under `mask` makes `sound`."""
    right = frozenset({noun})
    return Scene(f"{picture.name}: {sound.name}", picture.name, noun, right, picture.rgb, mask, sound)


def not_in_view(picture: Picture, noun: str, sound: Heard) -> Scene:
    """Compose a scene in which nothing in the image makes `sound`; `noun` is the source."""
    empty = np.zeros(picture.rgb.shape[:2], bool)
    return Scene(f"{picture.name}: {sound.name}", picture.name, noun, frozenset(), picture.rgb, empty, sound)


def fitting(sounds: list[Sound], noun: str) -> list[Sound]:
    """Return the sounds that a `noun` makes."""
    return [sound for sound in sounds if sound.noun and is_a(sound.noun, noun)]


def matched(pictures: list[Picture], sounds: list[Sound], areas: tuple[float, float] = PROMINENT) -> list[Scene]:
    """Compose every category that covers a fraction in [low, high) of its image with up to SOUNDS_PER_PICTURE sounds."""
    return [
        in_view(picture, noun, mask, sound)
        for picture in pictures
        for noun, mask in _nouns_of_size(picture, areas)
        for sound in draw(fitting(sounds, noun), picture.name + noun)
    ]


def absent(pictures: list[Picture], sounds: list[Sound]) -> list[Scene]:
    """Compose every image with sounds of objects that are not in it.

    Sounds whose source could be in it under another name (a siren and a truck, an engine and a bus) are left out.
    """
    return [
        not_in_view(picture, sound.noun, sound)
        for picture in pictures
        for sound in draw(not_made_by(picture, [sound for sound in sounds if sound.noun]), picture.name)
    ]


def ambience(pictures: list[Picture], sounds: list[Sound]) -> list[Scene]:
    """Compose every image with sounds that are not made by objects (rain, sea, fire), one of each folder."""
    by_folder: dict[str, list[Sound]] = {}
    for sound in sounds:
        if not sound.noun:
            by_folder.setdefault(sound.name.split("/")[0], []).append(sound)
    return [
        not_in_view(picture, folder.replace("_", " "), sound)
        for picture in pictures
        for folder, group in by_folder.items()
        for sound in draw(not_made_by(picture, group), picture.name + folder, count=1)
    ]


def noise_alone(pictures: list[Picture], noises: tuple[Noise, ...] = NOISES) -> list[Scene]:
    """Compose every image with each noise, in a realisation of its own."""
    return [
        not_in_view(picture, noise.name, Noise(noise.kind, noise.level_dbfs, picture.name))
        for picture in pictures
        for noise in noises
    ]


def with_motor(scenes: list[Scene], snr_db: float) -> list[Scene]:
    """Add motor noise to the sounds of `scenes`; the ratio only changes the gain of the noise."""
    return [
        Scene(s.name, s.group, s.noun, s.right, s.rgb, s.mask, Mixture(s.sound, Noise("motor", 0.0, s.name), snr_db))
        for s in scenes
    ]


def two_of_a_kind(pictures: list[Picture], sounds: list[Sound]) -> list[Scene]:
    """Compose images with at least two separately annotated instances of one class, of which the largest sounds."""
    scenes = []
    for picture in pictures:
        for noun, instances in sorted(picture.instances.items()):
            large = sorted((mask for mask in instances if mask.mean() >= SMALLEST_INSTANCE), key=np.sum, reverse=True)
            if len(large) >= 2 and noun not in picture.crowds:
                sounding = draw(fitting(sounds, noun), picture.name + noun)
                scenes += [in_view(picture, noun, large[0], sound) for sound in sounding]
    return scenes


def one_of_two(pictures: list[Picture], sounds: list[Sound]) -> list[Scene]:
    """Compose images with two different possible sources, of which one sounds."""
    return [
        in_view(picture, noun, picture.masks[noun], sound)
        for picture, pair in two_in_view(pictures, sounds)
        for noun in pair
        for sound in draw(fitting(sounds, noun), picture.name + noun, count=2)
    ]


def both_sound(pictures: list[Picture], sounds: list[Sound]) -> list[Scene]:
    """Compose images with two different objects that sound at once, equally loud; the true mask is their union."""
    scenes = []
    for picture, (first, second) in two_in_view(pictures, sounds):
        pairs = zip(
            draw(fitting(sounds, first), picture.name + first, count=2),
            draw(fitting(sounds, second), picture.name + second, count=2),
        )
        scenes += [both(picture, first, second, Mixture(*sounding, 0.0)) for sounding in pairs]
    return scenes


def both(picture: Picture, first: str, second: str, sound: Heard) -> Scene:
    """Compose a scene in which two objects sound."""
    union = picture.masks[first] | picture.masks[second]
    right, noun = frozenset({first, second}), f"{first} and {second}"
    return Scene(f"{picture.name}: {sound.name}", picture.name, noun, right, picture.rgb, union, sound)


def two_in_view(pictures: list[Picture], sounds: list[Sound]) -> Iterator[tuple[Picture, tuple[str, str]]]:
    """Yield every image with every pair of different objects that have sounds and cover at least 1 % of it each."""
    for picture in pictures:
        nouns = [noun for noun, _ in _nouns_of_size(picture, (SMALL[0], 1.0)) if fitting(sounds, noun)]
        for first, second in combinations(nouns, 2):
            if not (is_a(first, second) or is_a(second, first)):
                yield picture, (first, second)


def not_made_by(picture: Picture, sounds: list[Sound]) -> list[Sound]:
    """Return the sounds whose source cannot be in the image."""
    return [sound for sound in sounds if not any(may_make(noun, sound) for noun in picture.masks)]


def may_make(noun: str, sound: Sound) -> bool:
    """Check whether a `noun` could be the source of the sound, under this or a related name."""
    heard = sound.right or classes_of(sound.noun)
    return might_make(noun, frozenset({sound.noun}), heard)


def draw(sounds: list, name: str, count: int = SOUNDS_PER_PICTURE) -> list:
    """Return up to `count` evenly spaced items, starting at an index derived from `name`."""
    count = min(count, len(sounds))
    start = zlib.crc32(name.encode())
    return [sounds[(start + number * len(sounds) // count) % len(sounds)] for number in range(count)]


def _nouns_of_size(picture: Picture, areas: tuple[float, float]) -> list[tuple[str, np.ndarray]]:
    return [(noun, mask) for noun, mask in sorted(picture.masks.items()) if areas[0] <= mask.mean() < areas[1]]
