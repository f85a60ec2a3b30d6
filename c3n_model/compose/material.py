"""What there is to compose a split from: pictures, cut-outs and sounds, none of which is in another split."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from c3n_model.compose.picture_set import AnnotatedPicture, CutoutFile, PictureSet
from c3n_model.compose.region import Region
from c3n_model.compose.sound_set import SoundFile, SoundSet
from c3n_model.labels.named_sounds import makes, might_make
from c3n_model.labels.sound_sources import KINDS, is_a

SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}
IN_PLACE_AREA = (0.03, 0.85)  # fractions of the picture of things that sound where they are
ALL = "*"  # stands for a noun that all keys have
PASTED_AREA = 0.02  # fraction of its picture from which a thing is cut out to be pasted


@dataclass(frozen=True)
class Thing:
    """Something to paste: a cut-out, or a region of a picture."""

    noun: str
    key: str
    cutout: CutoutFile | None = None
    picture: AnnotatedPicture | None = None
    region: Region | None = None


@dataclass(frozen=True)
class Material:
    """The pictures, cut-outs and sounds of one split."""

    pictures: list[AnnotatedPicture]
    cutouts: list[CutoutFile]
    sounds: list[SoundFile]

    @cached_property
    def in_place(self) -> dict[str, list[AnnotatedPicture]]:
        """Pictures by the nouns that cover IN_PLACE_AREA of them and have sounds here."""
        low, high = IN_PLACE_AREA
        listed: dict[str, list[AnnotatedPicture]] = {}
        for picture in self.pictures:
            for noun, area in sorted(picture.areas.items()):
                if low <= area <= high and self.sounds_of(noun):
                    listed.setdefault(noun, []).append(picture)
        return listed

    @cached_property
    def things(self) -> dict[str, list[Thing]]:
        """What can be pasted, by noun."""
        listed: dict[str, list[Thing]] = {}
        for cutout in self.cutouts:
            listed.setdefault(cutout.noun, []).append(Thing(cutout.noun, cutout.key, cutout=cutout))
        for picture in self.pictures:
            for region in picture.regions:
                if region.is_single and region.area >= PASTED_AREA:
                    thing = Thing(region.noun, picture.key, picture=picture, region=region)
                    listed.setdefault(region.noun, []).append(thing)
        return listed

    @cached_property
    def sources(self) -> dict[str, float]:
        """Nouns that can be seen and heard, with the frequency of each: the square root of how many there are to see."""
        seen = {noun: len(self.in_place.get(noun, ())) + len(self.things.get(noun, ())) for noun in self._seen}
        return {noun: count**0.5 for noun, count in sorted(seen.items()) if self.sounds_of(noun)}

    @cached_property
    def ambience(self) -> list[SoundFile]:
        """Sounds that no visible thing makes."""
        return [sound for sound in self.sounds if not sound.nouns]

    @cached_property
    def _seen(self) -> set[str]:
        return set(self.in_place) | set(self.things)

    def sounds_of(self, noun: str) -> list[SoundFile]:
        """The sounds that a noun makes."""
        if noun not in self._by_noun:
            self._by_noun[noun] = [sound for sound in self.sounds if makes(noun, sound.nouns)]
        return self._by_noun[noun]

    @cached_property
    def _by_noun(self) -> dict[str, list[SoundFile]]:
        return {}

    def foreign_sounds(self, nouns: Iterable[str]) -> list[SoundFile]:
        """The sounds of things that none of these nouns could be."""
        view = list(nouns)
        return [sound for sound in self.sounds if sound.nouns and not any(could_make(noun, sound) for noun in view)]


def could_make(noun: str, sound: SoundFile) -> bool:
    """Check whether a noun could make a sound, under this or a related name."""
    return might_make(noun, sound.nouns, sound.classes)


def alike(first: str, second: str) -> bool:
    """Check whether two nouns look alike in the wide sense of one kind: two animals, two vehicles, two instruments."""
    return any(is_a(first, kind) and is_a(second, kind) for kind in KINDS)


def split_material(pictures: PictureSet, sounds: SoundSet, counts: Mapping[str, int], seed: int) -> dict[str, Material]:
    """Divide pictures, cut-outs and recordings among the splits that have clips, in proportions SHARES.

    A picture and a recording are in one split, whatever lists them. Each noun is divided by itself, so that a rare one is
    not missing from a split by chance: the splits in turn get what they lack most.

    Raises:
        ValueError: a split without a noun that can be both seen and heard.
    """
    splits = [split for split in SHARES if counts.get(split)]
    of_picture = assign({p.key: p.nouns for p in pictures.pictures}, splits, f"{seed} pictures")
    of_cutout = assign({c.key: frozenset({c.noun}) for c in pictures.cutouts}, splits, f"{seed} cutouts")
    of_sound = assign({s.key: s.nouns for s in sounds.sounds}, splits, f"{seed} sounds")
    divided = {
        split: Material(
            [p for p in pictures.pictures if of_picture[p.key] == split],
            [c for c in pictures.cutouts if of_cutout[c.key] == split],
            [s for s in sounds.sounds if of_sound[s.key] == split],
        )
        for split in splits
    }
    for split, material in divided.items():
        if not material.pictures or not material.sources:
            raise ValueError(
                f"the split {split} would have {len(material.pictures)} pictures, {len(material.sounds)} sounds and nothing "
                "that is both seen and heard; give more --images or --sounds, or no clips of that split (--val 0)"
            )
    return divided


def assign(nouns_of: Mapping[str, frozenset[str]], splits: Sequence[str], salt: str) -> dict[str, str]:
    """Assign each key to the split that lacks most of its rarest noun and of everything together.

    Rare nouns first, because common ones can make up for what is uneven.
    """
    frequency = Counter(noun for nouns in nouns_of.values() for noun in nouns)
    total = sum(SHARES[split] for split in splits)
    given: dict[str, Counter] = {split: Counter() for split in splits}

    def rarest(key: str) -> str:
        return min(nouns_of[key], key=lambda noun: (frequency[noun], noun), default=ALL)

    order = sorted(
        nouns_of, key=lambda key: (frequency[rarest(key)], rarest(key), zlib.crc32(f"{salt} {key}".encode()))
    )
    assigned = {}
    for key in order:
        noun = rarest(key)
        lack = {
            split: sum(
                SHARES[split] / total * (sum(given[other][name] for other in splits) + 1) - given[split][name]
                for name in (noun, ALL)
            )
            for split in splits
        }
        split = max(splits, key=lambda split: lack[split])
        assigned[key] = split
        given[split].update([*nouns_of[key], ALL])
    return assigned


def describe(material: Material) -> dict[str, object]:
    """Describe the material in a few numbers: counts, and a digest of all names."""
    parts = {"pictures": material.pictures, "cutouts": material.cutouts, "sounds": material.sounds}
    names = "\n".join(sorted(f"{kind} {item.key}" for kind, items in parts.items() for item in items))
    return {kind: len(items) for kind, items in parts.items()} | {"names": f"{zlib.crc32(names.encode()):08x}"}
