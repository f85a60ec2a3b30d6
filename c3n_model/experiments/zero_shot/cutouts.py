"""Cut-outs with an alpha channel and a sound, pasted on images: objects for which no vocabulary was tuned.

`cutouts/NAME.png` is an image with an alpha channel, `NAME.ogg` (or wav, flac, mp3) its sound. `names.txt` contains lines
`NAME noun`; without a line, NAME is the noun. See `halves` for which half a cut-out belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from c3n_model.compose.cutout_files import read_alpha, read_names
from c3n_model.compose.noises import Mixture
from c3n_model.experiments.zero_shot.pictures import Picture
from c3n_model.experiments.zero_shot.scenes import PROMINENT, Scene, both, draw, in_view, may_make
from c3n_model.experiments.zero_shot.sounds import SUFFIXES, Sound, read_sound
from c3n_model.experiments.zero_shot.streams import Stream
from c3n_model.labels.named_sounds import source_of
from c3n_model.labels.sound_sources import is_a, noun_of

SIDE = 0.6  # longest side of a cut-out as a fraction of the image's shorter side
PAIR_SIDE = 0.45  # ... if two are pasted
SMALLEST_LENGTH = 8  # pixels
BACKGROUNDS = 3  # images per cut-out, or per pair of cut-outs
PERSON = "person"


@dataclass(frozen=True)
class Cutout:
    """An object: `rgb` uint8 (h, w, 3), `alpha` float32 (h, w) in [0, 1], its noun and its sound."""

    name: str
    noun: str
    rgb: np.ndarray
    alpha: np.ndarray
    sound: Sound


Pasted = tuple[Cutout, Cutout, Picture]  # two cut-outs, and the image with both of them


def read_cutouts(folder: Path) -> tuple[list[Cutout], list[str]]:
    """Read all cut-outs of a folder; also return the files that are left out because they have no sound.

    Raises:
        ValueError: an image without alpha, or a file that cannot be read.
    """
    nouns, cutouts, left_out = read_names(folder / "names.txt"), [], []
    for path in sorted(folder.glob("*.png")):
        sounds = [path.with_suffix(suffix) for suffix in SUFFIXES if path.with_suffix(suffix).is_file()]
        if not sounds:
            left_out.append(path.name)
            continue
        noun = noun_of(nouns.get(path.stem, path.stem))
        source = source_of(noun)
        sound = read_sound(sounds[0], f"cutouts/{path.stem}", noun, source[1] if source else frozenset())
        cutouts.append(Cutout(path.stem, noun, *read_alpha(path), sound))
    return cutouts, left_out


def alone(cutouts: list[Cutout], pictures: list[Picture]) -> list[Scene]:
    """Paste each cut-out on images without people and without other possible sources of its sound."""
    empty = [picture for picture in pictures if PERSON not in picture.masks]
    return [_pasted(cutout, picture) for cutout in cutouts for picture in _backgrounds(empty, cutout)]


def beside_people(cutouts: list[Cutout], pictures: list[Picture]) -> list[Scene]:
    """Paste each cut-out on images in which people cover a PROMINENT fraction, where it hides the least of them."""
    crowded = [picture for picture in pictures if PERSON in picture.masks]
    crowded = [picture for picture in crowded if picture.masks[PERSON].mean() >= PROMINENT[0]]
    return [_pasted(cutout, picture) for cutout in cutouts for picture in _backgrounds(crowded, cutout)]


def pairs(cutouts: list[Cutout], pictures: list[Picture]) -> list[Pasted]:
    """Paste each cut-out and the next one of another kind side by side; these two are the image's masks."""
    empty, pasted = [picture for picture in pictures if PERSON not in picture.masks], []
    for index, first in enumerate(cutouts):
        others = [cutout for cutout in cutouts[index + 1 :] + cutouts[:index] if not _alike(first.noun, cutout.noun)]
        for second in others[:1]:
            free = [picture for picture in empty if not any(may_make(noun, second.sound) for noun in picture.masks)]
            for picture in _backgrounds(free, first, second.name):
                rgb, left = paste(first, picture.rgb, PAIR_SIDE, column=0.02)
                rgb, right = paste(second, rgb, PAIR_SIDE, column=0.98)
                name = f"{first.name} and {second.name} on {picture.name}"
                masks = {first.noun: [left & ~right], second.noun: [right]}
                pasted.append((first, second, Picture(name, rgb, masks)))
    return pasted


def one_of_pair(pasted: list[Pasted]) -> list[Scene]:
    """Compose scenes in which one of the two sounds."""
    return [
        _grouped(in_view(picture, cutout.noun, picture.masks[cutout.noun], cutout.sound), cutout)
        for first, second, picture in pasted
        for cutout in (first, second)
    ]


def both_of_pair(pasted: list[Pasted]) -> list[Scene]:
    """Compose scenes in which both sound at once, equally loud."""
    return [
        _grouped(both(picture, first.noun, second.noun, Mixture(first.sound, second.sound, 0.0)), first)
        for first, second, picture in pasted
    ]


def switching_streams(pasted: list[Pasted]) -> list[Stream]:
    """Compose streams in which the two of each pair sound in turn, in both orders, on the first image of the pair."""
    first_pictures = {(first.name, second.name): entry for entry in reversed(pasted) for first, second in [entry[:2]]}
    streams = []
    for first, second, picture in reversed(first_pictures.values()):
        for before, after in ((first, second), (second, first)):
            name = f"{picture.name}: {before.name}, then {after.name}"
            streams.append(Stream(name, first.name, picture.rgb, before.sound, after.sound, (before.noun, after.noun)))
    return streams


def paste(
    cutout: Cutout, rgb: np.ndarray, side: float, *, avoid: np.ndarray | None = None, column: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Paste a cut-out; return the image and the mask of pixels with alpha above one half, bool (H, W).

    Its longest side is `side` times the image's shorter side. It is placed in the lower half at the fraction `column` of the
    free width, or at the position of a coarse grid where it hides least of `avoid`, bool (H, W).
    """
    height, width = rgb.shape[:2]
    scale = side * min(height, width) / max(cutout.alpha.shape)
    size = tuple(max(round(length * scale), SMALLEST_LENGTH) for length in cutout.alpha.shape[::-1])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    # Colours are premultiplied by alpha before resizing, so that transparent pixels do not bleed into edges.
    weighted = cutout.rgb * cutout.alpha[..., None]
    alpha = cv2.resize(cutout.alpha, size, interpolation=interpolation)
    weighted = cv2.resize(weighted, size, interpolation=interpolation)
    places = [(0.75, column)] if column is not None else [(y, x) for y in (0.75, 0.5, 0.25) for x in (0.5, 0.05, 0.95)]
    hidden = []
    for y, x in places:
        top, left = round(y * (height - size[1])), round(x * (width - size[0]))
        window = np.s_[top : top + size[1], left : left + size[0]]
        hidden.append((0 if avoid is None else int((avoid[window] & (alpha > 0.5)).sum()), window))
    window = min(hidden, key=lambda entry: entry[0])[1]
    picture, mask = rgb.copy(), np.zeros((height, width), bool)
    picture[window] = np.rint(picture[window] * (1 - alpha[..., None]) + weighted)
    mask[window] = alpha > 0.5
    return picture, mask


def _pasted(cutout: Cutout, background: Picture) -> Scene:
    rgb, mask = paste(cutout, background.rgb, SIDE, avoid=background.masks.get(PERSON))
    picture = Picture(f"{cutout.name} on {background.name}", rgb, {cutout.noun: [mask]})
    return _grouped(in_view(picture, cutout.noun, mask, cutout.sound), cutout)


def _grouped(scene: Scene, cutout: Cutout) -> Scene:
    """Group a scene by its cut-out instead of its background, because scenes with the same object are dependent."""
    return Scene(scene.name, cutout.name, scene.noun, scene.right, scene.rgb, scene.mask, scene.sound)


def _backgrounds(pictures: list[Picture], cutout: Cutout, salt: str = "") -> list[Picture]:
    free = [picture for picture in pictures if not any(may_make(noun, cutout.sound) for noun in picture.masks)]
    return draw(free, cutout.name + salt, count=BACKGROUNDS)


def _alike(first: str, second: str) -> bool:
    return is_a(first, second) or is_a(second, first)
