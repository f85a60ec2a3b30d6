"""Pictures with the true masks of what they show, from a folder with COCO's annotations."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from c3n_model.labels.sound_sources import noun_of
from c3n_model.sources.media import read_picture

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
    """`rgb` uint8 (H, W, 3); `masks` the union of all instances of a category, bool (H, W), by its noun."""

    name: str
    rgb: np.ndarray
    masks: dict[str, np.ndarray]


def read_pictures(folder: Path) -> list[Picture]:
    """The annotated pictures below `folder`: `images/`, and `panoptic/` (a json and the folder of its pngs) or
    `instance_polygons/` (a text file a picture: category and x y x y ... in [0, 1], a line an instance).

    Raises:
        FileNotFoundError: no pictures, or none with annotations. ValueError: a file that cannot be read.
    """
    paths = sorted((folder / "images").glob("*.jpg"))
    panoptic, polygons = _read_panoptic(folder / "panoptic"), folder / "instance_polygons"
    names = _polygon_names(polygons)
    pictures = []
    for path in paths:
        rgb = read_picture(path)
        if path.stem in panoptic:
            masks = _panoptic_masks(*panoptic[path.stem])
        elif (polygons / f"{path.stem}.txt").is_file():
            masks = _polygon_masks(polygons / f"{path.stem}.txt", names, rgb.shape[:2])
        else:
            continue
        pictures.append(Picture(path.stem, rgb, masks))
    if not pictures:
        raise FileNotFoundError(
            f"{folder} holds {len(paths)} pictures in images/, none with a mask in panoptic/ or instance_polygons/"
        )
    return pictures


def _read_panoptic(folder: Path) -> dict[str, tuple[Path, list[dict], dict[int, str]]]:
    """By picture: its png, its segments, and the names of things by category."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            things = {kind["id"]: kind["name"] for kind in table["categories"] if kind["isthing"]}
            for annotation in table["annotations"]:
                png = folder / path.stem / annotation["file_name"]
                if png.is_file():
                    found[png.stem] = (png, annotation["segments_info"], things)
        except (json.JSONDecodeError, KeyError) as error:
            raise ValueError(f"{path} holds no COCO panoptic annotations: {error}") from error
    return found


def _panoptic_masks(png: Path, segments: list[dict], things: dict[int, str]) -> dict[str, np.ndarray]:
    red, green, blue = np.moveaxis(read_picture(png).astype(np.int64), -1, 0)
    numbers = red + 256 * green + 65536 * blue
    masks: dict[str, np.ndarray] = {}
    for segment in segments:
        if segment["category_id"] in things:
            noun = noun_of(things[segment["category_id"]])
            masks[noun] = masks.get(noun, False) | (numbers == segment["id"])
    return masks


def _polygon_names(folder: Path) -> dict[int, str]:
    """Category names by number: COCO's own ids, unless a 0 tells that the 80 are numbered without gaps."""
    numbers = {int(line.split()[0]) for path in folder.glob("*.txt") for line in path.read_text().splitlines() if line}
    return dict(enumerate(COCO_NAMES)) if 0 in numbers else dict(zip(COCO_IDS, COCO_NAMES, strict=True))


def _polygon_masks(path: Path, names: dict[int, str], size: tuple[int, int]) -> dict[str, np.ndarray]:
    masks: dict[str, np.ndarray] = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        try:
            category, *coordinates = line.split()
            noun = noun_of(names[int(category)])
            corners = np.array(coordinates, float).reshape(-1, 2) * (size[1], size[0])
        except (ValueError, KeyError) as error:
            raise ValueError(f"{path}, line {number} is no category and polygon: {error}") from error
        drawn = cv2.fillPoly(np.zeros(size, np.uint8), [np.round(corners).astype(np.int32)], 1)
        masks[noun] = masks.get(noun, False) | drawn.astype(bool)
    return masks
