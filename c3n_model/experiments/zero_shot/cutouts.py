"""Cut-outs with alpha and a sound of their own, pasted on pictures: sources that no vocabulary was chosen for.

`cutouts/NAME.png` is a picture with an alpha channel, `NAME.ogg` (or wav, flac, mp3) its sound; `names.txt` says what each
is, as lines `NAME noun`. Without a line, NAME is the noun. See `halves` for which half a cut-out belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from c3n_model.experiments.zero_shot.noises import Mixture
from c3n_model.experiments.zero_shot.pictures import Picture
from c3n_model.experiments.zero_shot.scenes import PROMINENT, Scene, both, draw, in_view, may_make
from c3n_model.experiments.zero_shot.sounds import SUFFIXES, Sound, read_sound, source_of
from c3n_model.experiments.zero_shot.streams import Stream
from c3n_model.labels.sound_sources import is_a, noun_of
from c3n_model.sources.picture_files import open_picture

SIDE = 0.6  # longest side of a cut-out as a fraction of the picture's shorter one
PAIR_SIDE = 0.45  # ... where two are pasted
SMALLEST_LENGTH = 8  # pixels
BACKGROUNDS = 3  # pictures per cut-out, or pair of them
PERSON = "person"


@dataclass(frozen=True)
class Cutout:
    """A thing: `rgb` uint8 (h, w, 3), `alpha` float32 (h, w) in [0, 1], the noun it is, and its sound."""

    name: str
    noun: str
    rgb: np.ndarray
    alpha: np.ndarray
    sound: Sound


Pasted = tuple[Cutout, Cutout, Picture]  # two cut-outs, and the picture that they were pasted on


def read_cutouts(folder: Path) -> tuple[list[Cutout], list[str]]:
    """Read all cut-outs of a folder, and list the files that are left out: without a sound.

    Raises:
        ValueError: a picture without alpha, or a file that cannot be read.
    """
    nouns, found, left_out = _read_names(folder / "names.txt"), [], []
    for path in sorted(folder.glob("*.png")):
        sounds = [path.with_suffix(suffix) for suffix in SUFFIXES if path.with_suffix(suffix).is_file()]
        if not sounds:
            left_out.append(path.name)
            continue
        noun = noun_of(nouns.get(path.stem, path.stem))
        source = source_of(noun)
        sound = read_sound(sounds[0], f"cutouts/{path.stem}", noun, source[1] if source else frozenset())
        found.append(Cutout(path.stem, noun, *_read_alpha(path), sound))
    return found, left_out


def _read_names(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    lines = [line.split(maxsplit=1) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    bad = next((line for line in lines if len(line) != 2), None)
    if bad:
        raise ValueError(f"{path} has the line {' '.join(bad)!r}; expected NAME and what it is: firetruck fire engine")
    return {name: noun.strip() for name, noun in lines}


def _read_alpha(path: Path) -> tuple[np.ndarray, np.ndarray]:
    picture = open_picture(path)
    rgba = np.asarray(picture.convert("RGBA"))
    if not picture.has_transparency_data or not rgba[..., 3].any():
        raise ValueError(
            f"{path} is not a cut-out: expected RGB with an alpha channel that shows something, got mode {picture.mode}"
        )
    rows, columns = (np.flatnonzero((rgba[..., 3] > 127).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise ValueError(f"{path} is not a cut-out: its alpha is nowhere above one half")
    rgba = rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.ascontiguousarray(rgba[..., :3]), rgba[..., 3].astype(np.float32) / 255


def alone(cutouts: list[Cutout], pictures: list[Picture]) -> list[Scene]:
    """Paste each cut-out on pictures without people and without anything that could make its sound."""
    empty = [picture for picture in pictures if PERSON not in picture.masks]
    return [_pasted(cutout, picture) for cutout in cutouts for picture in _backgrounds(empty, cutout)]


def beside_people(cutouts: list[Cutout], pictures: list[Picture]) -> list[Scene]:
    """Paste each cut-out beside people who cover PROMINENT of the picture, where it hides the least of them."""
    crowded = [picture for picture in pictures if PERSON in picture.masks]
    crowded = [picture for picture in crowded if picture.masks[PERSON].mean() >= PROMINENT[0]]
    return [_pasted(cutout, picture) for cutout in cutouts for picture in _backgrounds(crowded, cutout)]


def pairs(cutouts: list[Cutout], pictures: list[Picture]) -> list[Pasted]:
    """Paste each cut-out with the next one of another kind, side by side; the picture's masks are those two."""
    empty, found = [picture for picture in pictures if PERSON not in picture.masks], []
    for index, first in enumerate(cutouts):
        others = [cutout for cutout in cutouts[index + 1 :] + cutouts[:index] if not _alike(first.noun, cutout.noun)]
        for second in others[:1]:
            free = [picture for picture in empty if not any(may_make(noun, second.sound) for noun in picture.masks)]
            for picture in _backgrounds(free, first, second.name):
                rgb, left = paste(first, picture.rgb, PAIR_SIDE, column=0.02)
                rgb, right = paste(second, rgb, PAIR_SIDE, column=0.98)
                name = f"{first.name} and {second.name} on {picture.name}"
                masks = {first.noun: [left & ~right], second.noun: [right]}
                found.append((first, second, Picture(name, rgb, masks)))
    return found


def one_of_pair(pasted: list[Pasted]) -> list[Scene]:
    """Let each of the two sound alone."""
    return [
        _grouped(in_view(picture, cutout.noun, picture.masks[cutout.noun], cutout.sound), cutout)
        for first, second, picture in pasted
        for cutout in (first, second)
    ]


def both_of_pair(pasted: list[Pasted]) -> list[Scene]:
    """Let both sound at once, equally loud."""
    return [
        _grouped(both(picture, first.noun, second.noun, Mixture(first.sound, second.sound, 0.0)), first)
        for first, second, picture in pasted
    ]


def switching_streams(pasted: list[Pasted]) -> list[Stream]:
    """Let the two of each pair sound one after the other, in both orders, on the first picture that they were pasted on."""
    first_pictures = {(first.name, second.name): entry for entry in reversed(pasted) for first, second in [entry[:2]]}
    found = []
    for first, second, picture in reversed(first_pictures.values()):
        for one, other in ((first, second), (second, first)):
            name = f"{picture.name}: {one.name}, then {other.name}"
            found.append(Stream(name, first.name, picture.rgb, one.sound, other.sound, (one.noun, other.noun)))
    return found


def paste(
    cutout: Cutout, rgb: np.ndarray, side: float, *, avoid: np.ndarray | None = None, column: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Paste a cut-out and return the picture and the mask, bool (H, W), of what of it is more opaque than one half.

    Its longest side is `side` of the picture's shorter one. It lies in the lower half at the fraction `column` of the free
    width, or wherever on a coarse grid it hides least of `avoid` bool (H, W).
    """
    height, width = rgb.shape[:2]
    scale = side * min(height, width) / max(cutout.alpha.shape)
    size = tuple(max(round(length * scale), SMALLEST_LENGTH) for length in cutout.alpha.shape[::-1])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    # Colours are weighted by alpha before they are resized, so that what is transparent lends its colour to no edge.
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
    """The scene as one of its cut-out: what depends on each other is the thing and its sound, not the background."""
    return Scene(scene.name, cutout.name, scene.noun, scene.right, scene.rgb, scene.mask, scene.sound)


def _backgrounds(pictures: list[Picture], cutout: Cutout, salt: str = "") -> list[Picture]:
    free = [picture for picture in pictures if not any(may_make(noun, cutout.sound) for noun in picture.masks)]
    return draw(free, cutout.name + salt, count=BACKGROUNDS)


def _alike(first: str, second: str) -> bool:
    return is_a(first, second) or is_a(second, first)
