"""Read images with ground-truth masks from a folder with COCO annotations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from c3n_model.compose.panoptic_files import panoptic_masks, read_panoptic
from c3n_model.compose.polygon_files import polygon_masks, polygon_names
from c3n_model.sources.media import pictures_in
from c3n_model.sources.picture_files import read_picture


@dataclass(frozen=True)
class Picture:
    """An image with its masks.

    `rgb` uint8 (H, W, 3); `instances` are the masks, bool (H, W), of all objects, by the noun of their class. For the classes
    in `crowds`, one of the masks contains several objects that are not annotated separately.
    """

    name: str
    rgb: np.ndarray
    instances: dict[str, list[np.ndarray]]
    crowds: frozenset[str] = frozenset()

    @cached_property
    def masks(self) -> dict[str, np.ndarray]:
        """The union of all instances of each class, bool (H, W)."""
        return {noun: np.logical_or.reduce(masks) for noun, masks in self.instances.items()}


def read_pictures(folder: Path) -> list[Picture]:
    """Read the annotated images in `folder`.

    It contains `images/`, and `panoptic/` (a JSON file and the folder of its PNGs) or `instance_polygons/` (one text file per
    image, with one line per instance: category and x y x y ... in [0, 1]).

    Raises:
        FileNotFoundError: no images, or none with annotations.
        ValueError: a file that cannot be read, or masks that differ in size from their image.
    """
    paths = pictures_in(folder / "images")
    panoptic, polygons = read_panoptic(folder / "panoptic"), folder / "instance_polygons"
    names = polygon_names([polygons / f"{path.stem}.txt" for path in paths])
    pictures = []
    for path in paths:
        crowds: frozenset[str] = frozenset()
        if path.stem in panoptic:
            rgb = read_picture(path)
            png, segments, things = panoptic[path.stem]
            masks = panoptic_masks(png, segments, things, rgb.shape[:2])
            crowds = frozenset(things.get(part["category_id"], "") for part in segments if part.get("iscrowd"))
        elif (polygons / f"{path.stem}.txt").is_file():
            rgb = read_picture(path)
            masks = polygon_masks(polygons / f"{path.stem}.txt", names, rgb.shape[:2])
        else:
            continue
        pictures.append(Picture(path.stem, rgb, masks, crowds))
    if not pictures:
        raise FileNotFoundError(
            f"{folder} has {len(paths)} images in images/, none with a mask in panoptic/ or instance_polygons/; "
            "expected COCO's panoptic JSON and PNGs, or a text file of polygons for each image"
        )
    return pictures
