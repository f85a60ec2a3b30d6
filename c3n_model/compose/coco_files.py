"""Instance annotations in COCO's and LVIS's JSON: polygons or run lengths for each thing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from c3n_model.compose.region import Polygons, Region, RunLengths
from c3n_model.labels.sound_sources import noun_of

Listed = dict[str, tuple[tuple[Region, ...], frozenset[str]]]


def read_json(path: Path) -> dict[str, Any]:
    """Read an annotation file. Raises ValueError if it is not one."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(table, dict) or not {"categories", "annotations"} <= table.keys():
        raise ValueError(
            f"{path} does not contain COCO or LVIS annotations: expected the keys categories and annotations"
        )
    return table


def list_instances(path: Path, table: dict[str, Any]) -> Listed:
    """Return, by file name, the regions of a picture and the nouns that may be in it without being annotated (LVIS lists
    categories that are `not_exhaustive_category_ids`). Raises ValueError for a damaged table."""
    try:
        nouns = {kind["id"]: category_noun(kind["name"]) for kind in table["categories"]}
        images = {image["id"]: image for image in table["images"]}
        regions: dict[int, list[Region]] = {number: [] for number in images}
        for annotation in table["annotations"]:
            image = images[annotation["image_id"]]
            region = _region(annotation, nouns[annotation["category_id"]], (image["height"], image["width"]))
            if region is not None:
                regions[annotation["image_id"]].append(region)
        return {
            _file_name(image): (
                tuple(regions[number]),
                frozenset(nouns[kind] for kind in image.get("not_exhaustive_category_ids", ())),
            )
            for number, image in images.items()
        }
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise ValueError(f"{path} does not contain COCO or LVIS annotations: {type(error).__name__} {error}") from error


def category_noun(name: str) -> str:
    """Convert a category's name to our noun; LVIS adds senses in parentheses: "car_(automobile)"."""
    return noun_of(re.sub(r"_?\([^)]*\)", "", name))


def _file_name(image: dict[str, Any]) -> str:
    return str(image["file_name"] if "file_name" in image else image["coco_url"]).rsplit("/", 1)[-1]


def _region(annotation: dict[str, Any], noun: str, size: tuple[int, int]) -> Region | None:
    single = not annotation.get("iscrowd")
    segmentation = annotation["segmentation"]
    area = float(annotation.get("area", 0)) / (size[0] * size[1])
    if isinstance(segmentation, dict):
        counts = segmentation["counts"]
        runs = _decompress(counts) if isinstance(counts, str) else np.array(counts, np.int64)
        height, width = segmentation["size"]
        return RunLengths(noun, area or float(runs[1::2].sum()) / (height * width), runs, (height, width), single)
    parts = [np.array(part, np.float32).reshape(-1, 2) / np.float32((size[1], size[0])) for part in segmentation]
    parts = [part for part in parts if len(part) >= 3]
    return Polygons(noun, area, tuple(parts), single) if parts else None


def _decompress(text: str) -> np.ndarray:
    """Decode COCO's compressed run lengths: numbers of five bits per character, differences to the last but one."""
    counts: list[int] = []
    position = 0
    while position < len(text):
        value, shift, more = 0, 0, True
        while more:
            bits = ord(text[position]) - 48
            value |= (bits & 31) << shift
            more, shift, position = bool(bits & 32), shift + 5, position + 1
        if bits & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    return np.array(counts, np.int64)
