"""Instance polygons in YOLO's form: one text file per picture, a line per instance, `category x y x y ...` in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import yaml

from c3n_model.compose.region import Polygons, Region, polygon_area
from c3n_model.labels.sound_sources import noun_of

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


def polygon_names(paths: list[Path]) -> dict[int, str]:
    """Return category names by number: COCO's ids, or 0 to 79 if the files use 0 or a number missing in COCO's ids."""
    numbers = set()
    for path in filter(Path.is_file, paths):
        for number, line in polygon_lines(path):
            if not line.split()[0].isdecimal():
                raise ValueError(f"{path}, line {number} starts with {line.split()[0]!r}; expected a category number")
            numbers.add(int(line.split()[0]))
    without_gaps = numbers & {0, *_GAPS}
    return dict(enumerate(COCO_NAMES)) if without_gaps else dict(zip(COCO_IDS, COCO_NAMES, strict=True))


def polygon_masks(path: Path, names: dict[int, str], size: tuple[int, int]) -> dict[str, list[np.ndarray]]:
    masks: dict[str, list[np.ndarray]] = {}
    for number, line in polygon_lines(path):
        category, *coordinates = line.split()
        if int(category) not in names:
            raise ValueError(f"{path}, line {number} has category {category}; expected COCO's ids, or 0 to 79")
        noun = noun_of(names[int(category)])
        masks.setdefault(noun, []).append(draw_polygon(coordinates, size, f"{path}, line {number}"))
    return masks


def draw_polygon(coordinates: Sequence[str | float], size: tuple[int, int], where: str) -> np.ndarray:
    """Fill the polygon x y x y ..., in fractions of width and height: bool (H, W) of `size`.

    Raises:
        ValueError: fewer than three corners, or coordinates that are not finite numbers; `where` names the source.
    """
    corners = polygon_corners(coordinates, where) * (size[1], size[0])
    return cv2.fillPoly(np.zeros(size, np.uint8), [np.round(corners).astype(np.int32)], 1).astype(bool)


def polygon_corners(coordinates: Sequence[str | float], where: str) -> np.ndarray:
    """Return the corners float (n, 2) of a polygon x y x y ... . Raises ValueError as `draw_polygon`."""
    try:
        corners = np.array(coordinates, float).reshape(-1, 2)
    except ValueError as error:
        raise ValueError(f"{where} is not a polygon x y x y ...: {error}") from error
    if len(corners) < 3 or not np.isfinite(corners).all():
        raise ValueError(f"{where} is not a polygon: expected at least three corners with finite coordinates")
    return corners


def polygon_lines(path: Path) -> list[tuple[int, str]]:
    """Read the lines of a text file that are not empty, with their numbers."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: {error}") from error
    return [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]


def list_polygons(folder: Path, names_file: Path) -> dict[str, tuple[tuple[Region, ...], frozenset[str]]]:
    """Return, by the stem of the file, the regions of a picture.

    Categories are those of `names_file` (the `names` of YOLO's data.yaml) or COCO's, see `polygon_names`. Raises ValueError.
    """
    paths = sorted(folder.rglob("*.txt"))
    names = _yaml_names(names_file) if names_file.is_file() else polygon_names(paths)
    return {path.stem: (tuple(_regions(path, names)), frozenset()) for path in paths}


def _regions(path: Path, names: dict[int, str]) -> list[Region]:
    regions: list[Region] = []
    for number, line in polygon_lines(path):
        category, *coordinates = line.split()
        if not category.isdecimal() or int(category) not in names:
            raise ValueError(f"{path}, line {number} has category {category}; expected one of {_span(names)}")
        corners = polygon_corners(coordinates, f"{path}, line {number}").astype(np.float32)
        regions.append(Polygons(noun_of(names[int(category)]), polygon_area(corners), (corners,)))
    return regions


def _span(names: dict[int, str]) -> str:
    return f"{min(names)} to {max(names)}"


def _yaml_names(path: Path) -> dict[int, str]:
    try:
        names = yaml.safe_load(path.read_text(encoding="utf-8"))["names"]
        return {
            int(number): str(name) for number, name in (names.items() if isinstance(names, dict) else enumerate(names))
        }
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} has no list of category names under the key names: {error}") from error
