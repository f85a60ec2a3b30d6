"""Write synthetic scenes in AVSBench's S4 or MS3 layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from c3n_model.data.avsbench_object import FOLDERS, HEADERS, IN_VIEW, clip_paths, table_row, write_clip, write_table
from c3n_model.data.clip_files import CLIP_FRAMES
from c3n_model.progress import Progress
from c3n_model.synthetic import world
from c3n_model.synthetic.scenes import SPLITS, Scene, Setting, make_scene
from c3n_model.types import FRAME_OFFSET_NS, NANOSECONDS_PER_SECOND, Clip


def synthesize(root: Path, setting: Setting, counts: dict[str, int], seed: int, progress: Progress) -> Path:
    """Write `counts[split]` scenes of each split and their csv to `root`; return the setting's folder."""
    folder = root / FOLDERS[setting]
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    work = [(split, index) for split in SPLITS for index in range(counts.get(split, 0))]
    for split, index in progress(work, f"{setting} scenes"):
        scene = make_scene(setting, seed, split, index)
        name = f"{setting}_{split}_{index:05d}"
        category = _category(scene) if setting == "s4" else ""
        clip = scene_clip(scene, name, category, first_mask_only=setting == "s4" and split == "train")
        write_clip(clip_paths(folder, setting, name, split, category), clip, scene.sound(), world.SAMPLE_RATE)
        in_view = {_folder_name(actor.label) for actor in scene.actors}
        rows.append([*table_row(setting, name, split, category), ";".join(sorted(in_view))])
    write_table(folder / f"{setting}_meta_data.csv", [*HEADERS[setting], IN_VIEW], rows)
    return folder


def scene_clip(scene: Scene, name: str, category: str = "", *, first_mask_only: bool = False) -> Clip:
    """Sample a scene as AVSBench does: 224 x 224, the frame at 15/16 of each second; without audio (`scene.sound`)."""
    pictures = [scene.picture(second + FRAME_OFFSET_NS / NANOSECONDS_PER_SECOND) for second in range(CLIP_FRAMES)]
    frames, masks = (np.stack(part) for part in zip(*pictures, strict=True))
    has_mask = np.arange(CLIP_FRAMES) < (1 if first_mask_only else CLIP_FRAMES)
    return Clip(name, frames, np.zeros((CLIP_FRAMES, 0), np.float32), masks, has_mask, category)


def _category(scene: Scene) -> str:
    """Return S4's folder name: the sounding class."""
    (label,) = scene.sounding[0]
    return _folder_name(label)


def _folder_name(label: int) -> str:
    """Return the name of a class in AVSBench's spelling."""
    return world.VISUAL_LABELS[label].replace(" ", "_")
