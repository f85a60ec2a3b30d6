"""Write the seconds that were kept as clips of AVSBench's object release, so that `c3n train` and `c3n evaluate` read them."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from c3n_model.data.avsbench_object import FOLDERS, HEADERS, clip_paths, table_row, write_clip, write_table
from c3n_model.data.clip_files import CLIP_FRAMES, FRAME_SIZE, read_rows, squash_mask
from c3n_model.data.raw_videos import SAMPLE_RATE
from c3n_model.review.seconds import KEEP, Review
from c3n_model.types import NANOSECONDS_PER_SECOND, Clip

SPLITS = ("train", "val", "train", "test")  # of the clips of a recording, in turn
UNLABELLED = "unlabelled"


@dataclass(frozen=True)
class Written:
    """The clips that were written with their splits, and how many seconds were kept but are in no clip: a clip takes five in a
    row, for s4 of one label."""

    clips: tuple[tuple[str, str], ...]
    left_over: int


def write_dataset(review: Review, out: Path, name: str, setting: str = "ms3", split: str = "auto") -> Written:
    """Write the kept seconds of a recording; its former clips are replaced, those of other recordings stay.

    Args:
        name: of the recording; its clips are called `name_000`, ... by their first second.
        setting: "ms3" (a mask for each second) or "s4" (a folder for each label; of training clips the first mask only).
        split: "train", "val" or "test" for all clips, or "auto": half, a quarter, a quarter.
    Raises:
        ValueError: not one clip can be written.
    """
    runs, kept = list_runs(review, setting), sum(verdict.decision == KEEP for verdict in review.verdicts.values())
    if not runs:
        raise ValueError(
            f"{kept} seconds are kept, but a clip takes {CLIP_FRAMES} in a row{' of one label' * (setting == 's4')}"
        )
    folder, rows, clips = out / FOLDERS[setting], [], []
    others = _without_former(folder, setting, plain(name))
    for index, numbers in enumerate(runs):
        chosen = SPLITS[index % len(SPLITS)] if split == "auto" else split
        clip_name = f"{plain(name)}_{numbers[0]:03d}"
        category = plain(_label(review, numbers[0])) if setting == "s4" else ""
        paths = clip_paths(folder, setting, clip_name, chosen, category)
        clip, sound = _make_clip(review, numbers, clip_name)
        write_clip(paths, clip, sound, SAMPLE_RATE)
        rows.append(table_row(setting, clip_name, chosen, category))
        clips.append((clip_name, chosen))
    write_table(folder / f"{setting}_meta_data.csv", HEADERS[setting], [*others, *rows])
    return Written(tuple(clips), kept - CLIP_FRAMES * len(runs))


def plain(text: str) -> str:
    """Return `text` as a name of files: letters, digits, - and _."""
    return re.sub(r"[^\w-]+", "_", text, flags=re.ASCII).strip("_") or UNLABELLED


def list_runs(review: Review, setting: str) -> list[list[int]]:
    """List the numbers of the seconds of each clip: five kept ones that follow each other, for s4 of one label."""
    runs: list[list[int]] = []
    run: list[int] = []
    for number, second in enumerate(review.seconds):
        follows = run and second.start_ns - review.seconds[run[-1]].start_ns == NANOSECONDS_PER_SECOND
        same = setting != "s4" or not run or _label(review, number) == _label(review, run[0])
        if review.verdicts[second.start_ns].decision != KEEP:
            run = []
            continue
        run = [*run, number] if follows and same else [number]
        if len(run) == CLIP_FRAMES:
            runs.append(run)
            run = []
    return runs


def _label(review: Review, number: int) -> str:
    return review.verdicts[review.seconds[number].start_ns].label or UNLABELLED


def _make_clip(review: Review, numbers: list[int], name: str) -> tuple[Clip, np.ndarray]:
    seconds = [review.seconds[number] for number in numbers]
    frames = np.stack([cv2.resize(one.rgb, (FRAME_SIZE, FRAME_SIZE)) for one in seconds])
    masks = np.stack([squash_mask(review.mask(number)) for number in numbers]).astype(bool)
    snippets = np.stack([one.snippet for one in seconds])
    clip = Clip(name, frames, snippets, masks, np.ones(len(numbers), bool))
    return clip, snippets.reshape(-1)


def _without_former(folder: Path, setting: str, name: str) -> list[list[str]]:
    """Remove the files of a recording's former clips; return the rows of the others."""
    table = folder / f"{setting}_meta_data.csv"
    own, others = re.compile(rf"{re.escape(name)}_\d{{3,}}"), []
    for row in read_rows(table, HEADERS[setting][1:]) if table.is_file() else []:
        if not own.fullmatch(row["name"]):
            others.append([row[column] for column in HEADERS[setting]])
            continue
        paths = clip_paths(folder, setting, row["name"], plain(row["split"]), plain(row.get("category", "")))
        for file in paths.files():
            file.unlink(missing_ok=True)
        for empty in (paths.frames[0].parent, paths.masks[0].parent):
            with suppress(OSError):  # there are other files in it, or it is gone
                empty.rmdir()
    return others
