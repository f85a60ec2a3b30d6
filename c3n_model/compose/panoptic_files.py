"""COCO's panoptic annotations: a JSON file and a folder of PNGs in which the colour of a pixel numbers its segment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from c3n_model.compose.coco_files import category_noun
from c3n_model.compose.region import Region, Segment
from c3n_model.labels.sound_sources import noun_of
from c3n_model.sources.picture_files import read_picture


def read_panoptic(folder: Path) -> dict[str, tuple[Path, list[dict], dict[int, str]]]:
    """Read, by image name, its PNG, its segments, and the nouns of things by category."""
    annotations = {}
    for path in sorted(folder.glob("*.json")):
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            things = {kind["id"]: noun_of(kind["name"]) for kind in table["categories"] if kind["isthing"]}
            for annotation in table["annotations"]:
                png = folder / path.stem / annotation["file_name"]
                if png.is_file():
                    annotations[png.stem] = (png, annotation["segments_info"], things)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} does not contain COCO panoptic annotations: {error}") from error
    return annotations


def panoptic_masks(
    png: Path, segments: list[dict], things: dict[int, str], size: tuple[int, int]
) -> dict[str, list[np.ndarray]]:
    red, green, blue = np.moveaxis(read_picture(png).astype(np.int64), -1, 0)
    numbers = red + 256 * green + 65536 * blue
    if numbers.shape != size:
        raise ValueError(f"{png} has (height, width) {numbers.shape}, expected its image's size {size}")
    masks: dict[str, list[np.ndarray]] = {}
    for segment in segments:
        noun = things.get(segment["category_id"])
        if noun is not None:
            masks.setdefault(noun, []).append(numbers == segment["id"])
    return masks


def is_panoptic(table: dict[str, Any]) -> bool:
    """Check whether an annotation file is panoptic."""
    return any("segments_info" in annotation for annotation in table["annotations"][:1])


def list_panoptic(path: Path, table: dict[str, Any]) -> dict[str, tuple[tuple[Region, ...], frozenset[str]]]:
    """Return, by file name, the regions of the things in a picture; "stuff" is left out. Raises ValueError."""
    try:
        things = {kind["id"]: category_noun(kind["name"]) for kind in table["categories"] if kind["isthing"]}
        listed: dict[str, tuple[tuple[Region, ...], frozenset[str]]] = {}
        for annotation in table["annotations"]:
            png = next((p for p in _pngs(path, annotation["file_name"]) if p.is_file()), None)
            if png is not None:
                listed[png.stem] = (_segments(png, annotation["segments_info"], things), frozenset())
        return listed
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} does not contain COCO panoptic annotations: {type(error).__name__} {error}"
        ) from error


def _pngs(path: Path, name: str) -> tuple[Path, ...]:
    return path.parent / path.stem / name, path.parent / name


def _segments(png: Path, segments: list[dict], things: dict[int, str]) -> tuple[Region, ...]:
    with Image.open(png) as header:
        pixels = header.width * header.height
    return tuple(
        Segment(things[part["category_id"]], part.get("area", 0) / pixels, png, part["id"], not part.get("iscrowd"))
        for part in segments
        if part["category_id"] in things
    )
