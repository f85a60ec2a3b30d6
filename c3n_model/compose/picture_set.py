"""Annotated pictures of any of the forms that are read, as lists of files: nothing is decoded before a clip needs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from c3n_model.compose import coco_files, cutout_files, panoptic_files, polygon_files
from c3n_model.compose.region import Region
from c3n_model.labels.named_sounds import classes_of
from c3n_model.sources.media import PICTURE_SUFFIXES
from c3n_model.sources.picture_files import read_picture


@dataclass(frozen=True)
class AnnotatedPicture:
    """A picture and the regions of the things in it that can make a sound; things that cannot are of no interest here.

    `key` is the file name without suffix, by which pictures are split. `uncertain` are nouns that may be in the picture
    without being annotated.
    """

    key: str
    path: Path
    regions: tuple[Region, ...]
    uncertain: frozenset[str] = frozenset()

    @property
    def nouns(self) -> frozenset[str]:
        """The nouns of all regions."""
        return frozenset(region.noun for region in self.regions)

    @property
    def areas(self) -> Counter:
        """The area of all regions of each noun, as a fraction of the picture."""
        areas: Counter = Counter()
        for region in self.regions:
            areas[region.noun] += region.area  # type: ignore[assignment]  # a Counter of fractions
        return areas

    def read(self) -> np.ndarray:
        """Read the pixels, rgb uint8 (H, W, 3). Raises ValueError."""
        return read_picture(self.path)


@dataclass(frozen=True)
class CutoutFile:
    """A picture of one thing with an alpha channel."""

    key: str
    path: Path
    noun: str

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Read rgb uint8 (h, w, 3) and alpha float32 (h, w) in [0, 1], cropped to what is opaque. Raises ValueError."""
        return cutout_files.read_alpha(self.path)


@dataclass(frozen=True)
class PictureSet:
    """All pictures of several sources, and `left_out`, what could not be used, with the reason."""

    pictures: list[AnnotatedPicture]
    cutouts: list[CutoutFile]
    left_out: list[str]


def open_pictures(paths: Sequence[Path]) -> PictureSet:
    """List the pictures of each source: a COCO or LVIS JSON file, a panoptic JSON file, a folder with `images/` and
    annotations below it (`*.json`, `panoptic/*.json`, or polygons in `labels/` or `instance_polygons/`), or a folder of
    cut-outs (PNG with alpha).

    Raises:
        FileNotFoundError: no such source. ValueError: a source of no known form, or one without usable pictures.
    """
    pictures: dict[str, AnnotatedPicture] = {}
    cutouts: list[CutoutFile] = []
    left_out: list[str] = []
    for path in paths:
        found, cut, left = _open(path)
        if not any(picture.regions for picture in found) and not cut:
            reasons = f": {left[0]}" if left else ""
            raise ValueError(f"{path} has no picture with an annotated thing that can make a sound{reasons}")
        for picture in found:
            pictures.setdefault(picture.key, picture)  # a picture that is annotated twice is one picture
        cutouts += cut
        left_out += left
    return PictureSet(sorted(pictures.values(), key=lambda p: p.key), cutouts, left_out)


def _open(path: Path) -> tuple[list[AnnotatedPicture], list[CutoutFile], list[str]]:
    if path.is_file() and path.suffix == ".json":
        return _from_json(path, path.parent)
    if not path.is_dir():
        raise FileNotFoundError(f"no such pictures: {path}; expected a JSON file of annotations or a folder")
    if not (path / "images").is_dir():
        listed = cutout_files.list_cutouts(path)
        cut = [CutoutFile(f"cutout {file.stem}", file, noun) for file, noun in listed if sounding(noun)]
        silent = [f"{file}: nothing is known of the sound of a {noun}" for file, noun in listed if not sounding(noun)]
        return [], cut, silent
    found: list[AnnotatedPicture] = []
    left_out: list[str] = []
    for file in sorted([*path.glob("*.json"), *path.glob("panoptic/*.json"), *path.glob("annotations/*.json")]):
        some, _, left = _from_json(file, path)
        found, left_out = found + some, left_out + left
    for name in ("instance_polygons", "labels"):
        if (path / name).is_dir():
            lists = polygon_files.list_polygons(path / name, path / "data.yaml")
            some, left = _listed(lists, _files_below(path / "images"), lambda file: file.stem)
            found, left_out = found + some, left_out + left
    return found, [], left_out


def _from_json(path: Path, root: Path) -> tuple[list[AnnotatedPicture], list[CutoutFile], list[str]]:
    table = coco_files.read_json(path)
    read = panoptic_files.list_panoptic if panoptic_files.is_panoptic(table) else coco_files.list_instances
    annotated = read(path, table)
    for folder in (root / "images", root, root.parent):
        masks = path.with_suffix("")  # the folder of panoptic PNGs, which have the names of the pictures
        files = [file for file in _files_below(folder) if masks not in file.parents]
        some, left = _listed(annotated, files, lambda file: file.name)
        if some:
            return some, [], left
    raise ValueError(
        f"{path} annotates pictures that are not below {root} or {root.parent}; put them into {root / 'images'}"
    )


def _listed(
    annotated: dict[str, tuple[tuple[Region, ...], frozenset[str]]], files: list[Path], name_of: Callable[[Path], str]
) -> tuple[list[AnnotatedPicture], list[str]]:
    """Pair annotations by file name (or stem) with files; things that cannot sound are dropped."""
    by_name = {name_of(file): file for file in files}
    by_stem = {file.stem: file for file in files}
    pictures, left_out = [], []
    for name, (regions, uncertain) in annotated.items():
        file = by_name.get(name) or by_stem.get(Path(name).stem)
        if file is None:
            left_out.append(f"{name}: annotated, but there is no such picture")
            continue
        kept = tuple(region for region in regions if sounding(region.noun))
        pictures.append(AnnotatedPicture(file.stem, file, kept, frozenset(filter(sounding, uncertain))))
    return pictures, left_out


@cache
def sounding(noun: str) -> bool:
    """Check whether a sound of this thing is known."""
    return bool(classes_of(noun))


def _files_below(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
    )
