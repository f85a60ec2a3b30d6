"""A small folder of annotated pictures and labelled sounds for `c3n compose`."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from bench_folder import write_cutout, write_sound

DOG, PERSON = 18, 1  # COCO ids


def write_picture(folder: Path, name: str, category: int, side: int = 60) -> None:
    """A noisy grey picture with a bright thing, of a COCO id, in the left part of its middle."""
    for part in ("images", "instance_polygons"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([category, *name.encode()])
    pixels = rng.integers(60, 120, (side, side + 20, 3)).astype(np.uint8)
    pixels[side // 4 : 3 * side // 4, (side + 20) // 8 : (side + 20) // 2] = 220
    cv2.imwrite(str(folder / f"images/{name}.png"), pixels)
    (folder / f"instance_polygons/{name}.txt").write_text(f"{category} .125 .25 .5 .25 .5 .75 .125 .75\n")


def write_material(folder: Path, pictures: int = 4, sounds: int = 4) -> Path:
    """Dogs, people and a cut-out of a cow, with sounds of each, and rain."""
    for number in range(pictures):
        write_picture(folder / "coco", f"dog{number}", DOG)
        write_picture(folder / "coco", f"man{number}", PERSON)
    for number in range(sounds):
        write_sound(folder / f"sounds/dog/d{number}.wav", 500 + 50 * number, seconds=2)
        write_sound(folder / f"sounds/sneezing/s{number}.wav", 1500 + 50 * number, seconds=2)
        write_sound(folder / f"sounds/rain/r{number}.wav", 3000 + 50 * number, seconds=1)
    write_cutout(folder / "cutouts", "cow", hertz=300)
    return folder


def write_public_sets(folder: Path, pictures: int = 4, sounds: int = 4) -> Path:
    """The same dogs, people and sounds as COCO and ESC-50 have them."""
    made = write_material(folder / "made", pictures, sounds)
    (folder / "COCO/annotations").mkdir(parents=True)
    (made / "coco/images").rename(folder / "COCO/train2017")
    names = sorted(path.name for path in (folder / "COCO/train2017").iterdir())
    square = {"area": 900, "segmentation": [[10, 15, 40, 15, 40, 45, 10, 45]]}
    table = {
        "categories": [{"id": DOG, "name": "dog"}, {"id": PERSON, "name": "person"}],
        "images": [{"id": number, "height": 60, "width": 80, "file_name": name} for number, name in enumerate(names)],
        "annotations": [
            {"image_id": number, "category_id": DOG if "dog" in name else PERSON, **square}
            for number, name in enumerate(names)
        ],
    }
    (folder / "COCO/annotations/instances_train2017.json").write_text(json.dumps(table))
    for part in ("audio", "meta"):
        (folder / "ESC-50" / part).mkdir(parents=True)
    rows = ["filename,fold,target,category,esc10,src_file,take"]
    for path in sorted(made.glob("sounds/*/*.wav")):
        rows.append(f"{path.name},1,0,{path.parent.name},True,{path.stem},A")
        path.rename(folder / "ESC-50/audio" / path.name)
    (folder / "ESC-50/meta/esc50.csv").write_text("\n".join(rows))
    return folder
