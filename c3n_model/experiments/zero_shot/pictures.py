"""Pictures with the true masks of what they show, from a folder with COCO's annotations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from c3n_model.labels.sound_sources import noun_of
from c3n_model.sources.media import pictures_in
from c3n_model.sources.picture_files import read_picture

# COCO numbers its 80 categories from 1 to 90, with gaps.
_GAPS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
_NAMES = """person|bicycle|car|motorcycle|airplane|bus|train|truck|boat|traffic light|fire hydrant|stop sign|parking meter|
bench|bird|cat|dog|horse|sheep|cow|elephant|bear|zebra|giraffe|backpack|umbrella|handbag|tie|suitcase|frisbee|skis|
snowboard|sports ball|kite|baseball bat|baseball glove|skateboard|surfboard|tennis racket|bottle|wine glass|cup|fork|
knife|spoon|bowl|banana|apple|sandwich|orange|broccoli|carrot|hot dog|pizza|donut|cake|chair|couch|potted plant|bed|
dining table|toilet|tv|laptop|mouse|remote|keyboard|cell phone|microwave|oven|toaster|sink|refrigerator|book|clock|vase|
scissors|teddy bear|hair drier|toothbrush"""
COCO_NAMES = [name.strip() for name in _NAMES.replace("\n", "").split("|")]
COCO_IDS = [number for number in range(1, 91) if number not in _GAPS]


@dataclass(frozen=True)
class Picture:
    """`rgb` uint8 (H, W, 3); `instances` the masks, bool (H, W), of the things that are seen, by the noun of their class.
    Of `crowds` one of the masks holds many things that nobody told apart."""

    name: str
    rgb: np.ndarray
    instances: dict[str, list[np.ndarray]]
    crowds: frozenset[str] = frozenset()

    @cached_property
    def masks(self) -> dict[str, np.ndarray]:
        """The union of all instances of each class, bool (H, W)."""
        return {noun: np.logical_or.reduce(masks) for noun, masks in self.instances.items()}


def read_pictures(folder: Path) -> list[Picture]:
    """The annotated pictures below `folder`: `images/`, and `panoptic/` (a json and the folder of its pngs) or
    `instance_polygons/` (a text file a picture: category and x y x y ... in [0, 1], a line an instance).

    Raises:
        FileNotFoundError: no pictures, or none with annotations. ValueError: a file that cannot be read, or masks of another
        size than their picture.
    """
    paths = pictures_in(folder / "images")
    panoptic, polygons = _read_panoptic(folder / "panoptic"), folder / "instance_polygons"
    names = _polygon_names([polygons / f"{path.stem}.txt" for path in paths])
    pictures = []
    for path in paths:
        crowds: frozenset[str] = frozenset()
        if path.stem in panoptic:
            rgb = read_picture(path)
            png, segments, things = panoptic[path.stem]
            masks = _panoptic_masks(png, segments, things, rgb.shape[:2])
            crowds = frozenset(things.get(part["category_id"], "") for part in segments if part.get("iscrowd"))
        elif (polygons / f"{path.stem}.txt").is_file():
            rgb = read_picture(path)
            masks = _polygon_masks(polygons / f"{path.stem}.txt", names, rgb.shape[:2])
        else:
            continue
        pictures.append(Picture(path.stem, rgb, masks, crowds))
    if not pictures:
        raise FileNotFoundError(
            f"{folder} holds {len(paths)} pictures in images/, none with a mask in panoptic/ or instance_polygons/; "
            "expected COCO's panoptic json and pngs, or a text of polygons for each picture"
        )
    return pictures


def _read_panoptic(folder: Path) -> dict[str, tuple[Path, list[dict], dict[int, str]]]:
    """By picture: its png, its segments, and the nouns of things by category."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            things = {kind["id"]: noun_of(kind["name"]) for kind in table["categories"] if kind["isthing"]}
            for annotation in table["annotations"]:
                png = folder / path.stem / annotation["file_name"]
                if png.is_file():
                    found[png.stem] = (png, annotation["segments_info"], things)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} holds no COCO panoptic annotations: {error}") from error
    return found


def _panoptic_masks(
    png: Path, segments: list[dict], things: dict[int, str], size: tuple[int, int]
) -> dict[str, list[np.ndarray]]:
    red, green, blue = np.moveaxis(read_picture(png).astype(np.int64), -1, 0)
    numbers = red + 256 * green + 65536 * blue
    if numbers.shape != size:
        raise ValueError(f"{png} is {numbers.shape} pixels high and wide; its picture is {size}")
    masks: dict[str, list[np.ndarray]] = {}
    for segment in segments:
        noun = things.get(segment["category_id"])
        if noun is not None:
            masks.setdefault(noun, []).append(numbers == segment["id"])
    return masks


def _polygon_names(paths: list[Path]) -> dict[int, str]:
    """Category names by number: COCO's own ids, unless a 0 or one of their gaps tells that the 80 are numbered without."""
    numbers = set()
    for path in filter(Path.is_file, paths):
        for number, line in _lines(path):
            if not line.split()[0].isdecimal():
                raise ValueError(f"{path}, line {number} starts with {line.split()[0]!r}, which numbers no category")
            numbers.add(int(line.split()[0]))
    without_gaps = numbers & {0, *_GAPS}
    return dict(enumerate(COCO_NAMES)) if without_gaps else dict(zip(COCO_IDS, COCO_NAMES, strict=True))


def _polygon_masks(path: Path, names: dict[int, str], size: tuple[int, int]) -> dict[str, list[np.ndarray]]:
    masks: dict[str, list[np.ndarray]] = {}
    for number, line in _lines(path):
        category, *coordinates = line.split()
        if int(category) not in names:
            raise ValueError(f"{path}, line {number} has category {category}; expected COCO's ids, or 0 to 79")
        noun = noun_of(names[int(category)])
        masks.setdefault(noun, []).append(draw_polygon(coordinates, size, f"{path}, line {number}"))
    return masks


def draw_polygon(coordinates: Sequence[str | float], size: tuple[int, int], where: str) -> np.ndarray:
    """Fill the polygon x y x y ... of fractions of width and height: bool (H, W) of `size`.

    Raises:
        ValueError: fewer than three corners, or coordinates that are not finite numbers; `where` says what holds them.
    """
    try:
        corners = np.array(coordinates, float).reshape(-1, 2) * (size[1], size[0])
    except ValueError as error:
        raise ValueError(f"{where} is no polygon x y x y ...: {error}") from error
    if len(corners) < 3 or not np.isfinite(corners).all():
        raise ValueError(f"{where} is no polygon: expected three corners or more, all finite")
    return cv2.fillPoly(np.zeros(size, np.uint8), [np.round(corners).astype(np.int32)], 1).astype(bool)


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines of a text that are not empty, with their numbers."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text: {error}") from error
    return [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
