"""Scenes: a picture, what sounds, and the mask that is right. Which sounds a picture gets depends on its name alone."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from c3n_model.experiments.zero_shot.noises import Heard, Mixture, Noise
from c3n_model.experiments.zero_shot.pictures import Picture
from c3n_model.experiments.zero_shot.sounds import Sound
from c3n_model.labels.sound_sources import is_a, sound_sources
from c3n_model.types import Clip

PROMINENT = (0.05, 1.0)  # fractions of the picture; what sounds in AVSBench is prominent, too
SMALL = (0.01, 0.05)
SMALLEST_INSTANCE = 0.02  # of the picture, for a second one of a kind to count
SOUNDS_PER_PICTURE = 4
NOISES = (
    Noise("digital silence", 0.0),
    Noise("white noise", -30.0),
    Noise("pink noise", -30.0),
    Noise("room tone", -50.0),
    Noise("motor", -30.0),
)


@dataclass(frozen=True)
class Scene:
    """A picture `rgb` uint8 (H, W, 3), what is heard, and `mask` bool (H, W) of what sounds in view (empty: nothing).

    `noun` is the class in tables: what sounds. `right` are the nouns that may be named, none where the source is not in view.
    Scenes of one `group` (the picture, or the cut-out) depend on each other and are resampled together.
    """

    name: str
    group: str
    noun: str
    right: frozenset[str]
    rgb: np.ndarray
    mask: np.ndarray
    sound: Heard

    def clip(self, sample_rate: int, history: int) -> Clip:
        """Return the scene as a clip: the still picture with up to `history` seconds of sound, the mask at the last one."""
        snippets = self.sound.seconds(sample_rate)[-history:]
        seconds = len(snippets)
        masks = np.zeros((seconds, *self.mask.shape), bool)
        masks[-1] = self.mask
        frames = np.broadcast_to(self.rgb, (seconds, *self.rgb.shape))
        return Clip(self.name, frames, snippets, masks, np.arange(seconds) == seconds - 1, self.noun)


def in_view(picture: Picture, noun: str, mask: np.ndarray, sound: Heard) -> Scene:
    """Return the scene in which the thing under `mask` makes `sound`."""
    right = frozenset({noun})
    return Scene(f"{picture.name}: {sound.name}", picture.name, noun, right, picture.rgb, mask, sound)


def not_in_view(picture: Picture, noun: str, sound: Heard) -> Scene:
    """Return the scene in which nothing in the picture makes `sound`; `noun` says what does."""
    nothing = np.zeros(picture.rgb.shape[:2], bool)
    return Scene(f"{picture.name}: {sound.name}", picture.name, noun, frozenset(), picture.rgb, nothing, sound)


def fitting(sounds: list[Sound], noun: str) -> list[Sound]:
    """Return the sounds that a `noun` makes."""
    return [sound for sound in sounds if sound.noun and is_a(sound.noun, noun)]


def matched(pictures: list[Picture], sounds: list[Sound], areas: tuple[float, float] = PROMINENT) -> list[Scene]:
    """Compose every category that covers a fraction of its picture in [low, high) with up to SOUNDS_PER_PICTURE sounds."""
    return [
        in_view(picture, noun, mask, sound)
        for picture in pictures
        for noun, mask in _nouns_of_size(picture, areas)
        for sound in draw(fitting(sounds, noun), picture.name + noun)
    ]


def absent(pictures: list[Picture], sounds: list[Sound]) -> list[Scene]:
    """Compose every picture with sounds of things that are not in it. What could be in it under another name (a siren and a
    truck, an engine and a bus) is left out."""
    return [
        not_in_view(picture, sound.noun, sound)
        for picture in pictures
        for sound in draw(not_made_by(picture, [sound for sound in sounds if sound.noun]), picture.name)
    ]


def ambience(pictures: list[Picture], sounds: list[Sound]) -> list[Scene]:
    """Compose every picture with sounds that no object makes (rain, sea, fire), one of each folder."""
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


def noise_alone(pictures: list[Picture]) -> list[Scene]:
    """Compose every picture with each of NOISES."""
    return [
        not_in_view(picture, noise.name, Noise(noise.kind, noise.level_dbfs, picture.name))
        for picture in pictures
        for noise in NOISES
    ]


def with_motor(scenes: list[Scene], snr_db: float) -> list[Scene]:
    """Add the noise of a motor to the sounds of `scenes`; the same noise, louder or softer, at every ratio."""
    return [
        Scene(s.name, s.group, s.noun, s.right, s.rgb, s.mask, Mixture(s.sound, Noise("motor", 0.0, s.name), snr_db))
        for s in scenes
    ]


def two_of_a_kind(pictures: list[Picture], sounds: list[Sound]) -> list[Scene]:
    """Compose pictures with two or more instances of one class, all told apart; the largest sounds."""
    scenes = []
    for picture in pictures:
        for noun, instances in sorted(picture.instances.items()):
            large = sorted((mask for mask in instances if mask.mean() >= SMALLEST_INSTANCE), key=np.sum, reverse=True)
            if len(large) >= 2 and noun not in picture.crowds:
                sounding = draw(fitting(sounds, noun), picture.name + noun)
                scenes += [in_view(picture, noun, large[0], sound) for sound in sounding]
    return scenes


def one_of_two(pictures: list[Picture], sounds: list[Sound]) -> list[Scene]:
    """Compose pictures with two different things that could sound; either sounds alone."""
    return [
        in_view(picture, noun, picture.masks[noun], sound)
        for picture, pair in two_in_view(pictures, sounds)
        for noun in pair
        for sound in draw(fitting(sounds, noun), picture.name + noun, count=2)
    ]


def both_sound(pictures: list[Picture], sounds: list[Sound]) -> list[Scene]:
    """Compose pictures with two different things that sound at once, equally loud; the union of both is right."""
    scenes = []
    for picture, (first, second) in two_in_view(pictures, sounds):
        pairs = zip(
            draw(fitting(sounds, first), picture.name + first, count=2),
            draw(fitting(sounds, second), picture.name + second, count=2),
        )
        scenes += [both(picture, first, second, Mixture(one, other, 0.0)) for one, other in pairs]
    return scenes


def both(picture: Picture, first: str, second: str, sound: Heard) -> Scene:
    """Return the scene in which two things sound."""
    union = picture.masks[first] | picture.masks[second]
    right, noun = frozenset({first, second}), f"{first} and {second}"
    return Scene(f"{picture.name}: {sound.name}", picture.name, noun, right, picture.rgb, union, sound)


def two_in_view(pictures: list[Picture], sounds: list[Sound]) -> Iterator[tuple[Picture, tuple[str, str]]]:
    """Yield every picture with every pair of different things in it that there are sounds of, each 1 % of it or more."""
    for picture in pictures:
        nouns = [noun for noun, _ in _nouns_of_size(picture, (SMALL[0], 1.0)) if fitting(sounds, noun)]
        for first, second in combinations(nouns, 2):
            if not (is_a(first, second) or is_a(second, first)):
                yield picture, (first, second)


def not_made_by(picture: Picture, sounds: list[Sound]) -> list[Sound]:
    """Return the sounds that nothing in the picture could make."""
    return [sound for sound in sounds if not any(may_make(noun, sound) for noun in picture.masks)]


def may_make(noun: str, sound: Sound) -> bool:
    """Return whether a `noun` could be behind the sound, under its own or a related name."""
    by_name = is_a(sound.noun, noun) or is_a(noun, sound.noun)
    sources = sound_sources()
    heard = sound.right or [name for name, nouns in sources.items() if sound.noun in nouns]
    return by_name or any(noun in sources.get(name, ()) for name in heard)


def draw(sounds: list, name: str, count: int = SOUNDS_PER_PICTURE) -> list:
    """Return up to `count` items, evenly spread from a start that `name` decides."""
    count = min(count, len(sounds))
    start = zlib.crc32(name.encode())
    return [sounds[(start + number * len(sounds) // count) % len(sounds)] for number in range(count)]


def _nouns_of_size(picture: Picture, areas: tuple[float, float]) -> list[tuple[str, np.ndarray]]:
    return [(noun, mask) for noun, mask in sorted(picture.masks.items()) if areas[0] <= mask.mean() < areas[1]]
