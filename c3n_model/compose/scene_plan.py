"""What a clip shows and what can be heard in it: a picture, things that sound, and silent ones that look alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from c3n_model.compose.material import Material, Thing, alike, could_make
from c3n_model.compose.picture_set import AnnotatedPicture
from c3n_model.compose.sound_set import SoundFile
from c3n_model.compose.timeline import Second, several_sources, single_source
from c3n_model.labels.named_sounds import makes

PASTED_RATHER = 0.5  # how often a thing that could sound where it is is pasted on another picture instead
SOURCES_IN_MS3 = (0.08, 0.42, 0.5)  # frequencies of 0, 1 and 2 possible sources in view
SILENT_THINGS = (0.5, 0.35, 0.15)  # ... of 0, 1 and 2 pasted things that are silent
LOOK_ALIKE = 0.6  # how often a silent thing is of the kind of the first source
TRIES = 30

Item = TypeVar("Item")


@dataclass(frozen=True)
class Source:
    """A thing in view with its sound; `thing` is None if it is in the background picture itself."""

    noun: str
    sound: SoundFile
    thing: Thing | None


@dataclass(frozen=True)
class ScenePlan:
    """A background, possible sources in view, silent things, and who sounds in which second.

    `others` are the sounds of the seconds in which nothing in view sounds: of a thing out of view, and ambience (None: there
    is no such sound).
    """

    background: AnnotatedPicture
    sources: tuple[Source, ...]
    silent: tuple[Thing, ...]
    timeline: tuple[Second, ...]
    out_of_view: SoundFile | None
    ambience: SoundFile | None

    @property
    def pasted(self) -> tuple[Thing, ...]:
        """All pasted things, the silent ones first."""
        return (*self.silent, *(source.thing for source in self.sources if source.thing is not None))

    def sounding_nouns(self, second: int) -> frozenset[str]:
        """The nouns in view that make what sounds in a second; a thing that is not the source may make its sound, too."""
        sounds = [self.sources[index].sound for index in self.timeline[second].sources]
        nouns = self.background.nouns | {thing.noun for thing in self.pasted}
        return frozenset(noun for noun in nouns if any(makes(noun, sound.nouns) for sound in sounds))


def draw_scene(material: Material, setting: str, random: np.random.Generator) -> ScenePlan:
    """Draw a scene for a clip of S4 (`s4`: one source that always sounds) or MS3.

    Raises:
        ValueError: nothing that fits was found in TRIES tries.
    """
    for _ in range(TRIES):
        scene = _try_scene(material, setting, random)
        if scene is not None:
            return scene
    raise ValueError(f"no scene was found in {TRIES} tries; give more pictures or sounds")


def _try_scene(material: Material, setting: str, random: np.random.Generator) -> ScenePlan | None:
    count = 1 if setting == "s4" else int(random.choice(3, p=SOURCES_IN_MS3))
    sources: list[Source] = []
    background = None
    for _ in range(count):
        source, shown = _draw_source(material, sources, background, random)
        if source is None:
            return None
        background = shown if background is None else background
        sources.append(source)
    background = background or pick(material.pictures, random)
    if not is_clear(background, sources):
        return None
    silent = _draw_silent(material, sources, random)
    if any(thing is not None and thing.key == background.key for thing in (*silent, *(s.thing for s in sources))):
        return None  # the same thing twice
    view = {*background.nouns, *background.uncertain, *(source.noun for source in sources), *(t.noun for t in silent)}
    foreign = material.foreign_sounds(view)
    ambience = [sound for sound in material.ambience if not any(could_make(noun, sound) for noun in view)]
    return ScenePlan(
        background,
        tuple(sources),
        silent,
        single_source() if setting == "s4" else several_sources(count, random),
        pick(foreign, random) if foreign else None,
        pick(ambience, random) if ambience else None,
    )


def _draw_source(
    material: Material, present: list[Source], background: AnnotatedPicture | None, random: np.random.Generator
) -> tuple[Source | None, AnnotatedPicture]:
    """Draw a source and its background, if there is none yet; None if it would be confused with one that is there."""
    nouns = list(material.sources)
    if background is not None and random.random() < 0.5:  # rather one that the picture shows
        shown = [noun for noun in nouns if background in material.in_place.get(noun, ())]
        nouns = shown or nouns
    weights = np.array([material.sources[noun] for noun in nouns])
    noun = nouns[random.choice(len(nouns), p=weights / weights.sum())]
    sound = pick(material.sounds_of(noun), random)
    places, things = material.in_place.get(noun, []), material.things.get(noun, [])
    if background is not None:
        places = [place for place in places if place is background]
    in_place = bool(places) and (not things or random.random() >= PASTED_RATHER)
    if not in_place and not things:
        return None, pick(material.pictures, random)
    shown_in = pick(places, random) if in_place else background or pick(material.pictures, random)
    source = Source(noun, sound, None if in_place else pick(things, random))
    confused = any(could_make(noun, other.sound) or could_make(other.noun, sound) for other in present)
    return (None if confused else source), shown_in


def is_clear(background: AnnotatedPicture, sources: Sequence[Source]) -> bool:
    """Check that what the picture shows either makes a sound or cannot make it."""
    for source in sources:
        if any(could_make(noun, source.sound) for noun in background.uncertain):
            return False
        nouns = (noun for noun in background.nouns if could_make(noun, source.sound))
        if not all(makes(noun, source.sound.nouns) for noun in nouns):
            return False
    return True


def _draw_silent(material: Material, sources: Sequence[Source], random: np.random.Generator) -> tuple[Thing, ...]:
    """Draw things to paste that make none of the sounds."""
    quiet = [noun for noun in sorted(material.things) if not any(could_make(noun, source.sound) for source in sources)]
    kindred = [noun for noun in quiet if sources and alike(noun, sources[0].noun)]
    drawn = []
    for _ in range(int(random.choice(3, p=SILENT_THINGS))):
        nouns = kindred if kindred and random.random() < LOOK_ALIKE else quiet
        if nouns:
            drawn.append(pick(material.things[pick(nouns, random)], random))
    return tuple(drawn)


def pick(items: Sequence[Item], random: np.random.Generator) -> Item:
    """Draw one item."""
    return items[int(random.integers(len(items)))]
