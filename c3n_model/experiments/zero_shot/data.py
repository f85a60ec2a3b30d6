"""What a folder laid out as coco/, esc10/, pairs/, avsbench_clips/, silent/ holds; all but coco/ may be missing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from c3n_model.experiments.zero_shot.pictures import Picture, read_pictures
from c3n_model.experiments.zero_shot.sounds import Sound, clip_sound, clips, folder_sounds, pair_sounds, videos
from c3n_model.experiments.zero_shot.zero_shot import halves


@dataclass(frozen=True)
class BenchData:
    """`sounds` are all sounds, those of the pairs and of the clips with one sounding thing among them."""

    pictures: list[Picture]
    sounds: list[Sound]
    pairs: list[tuple[Path, Sound]]
    clips: list[tuple[Path, frozenset[str]]]
    silent: Path
    unknown_folders: list[str]
    unknown_pairs: list[str]


def read_data(folder: Path, tuning: bool) -> BenchData:
    """Everything there is; of the pictures those that constants were tuned on, or the others.

    Raises:
        FileNotFoundError: no such folder, or no annotated pictures in it. ValueError: a file that cannot be read, no picture
        of the wanted kind, or nothing to hear at all.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"no such folder: {folder}; expected one with coco/, esc10/, pairs/, avsbench_clips/, silent/"
        )
    pictures = halves(read_pictures(folder / "coco"), tuning)
    sounds, unknown_folders = folder_sounds(folder / "esc10")
    pairs, unknown_pairs = pair_sounds(folder / "pairs")
    found = clips(folder / "avsbench_clips")
    sounds += [sound for _, sound in pairs]
    sounds += [clip_sound(path, next(iter(nouns))) for path, nouns in found if len(nouns) == 1]
    if not (sounds or found or videos(folder / "silent")):
        raise ValueError(
            f"nothing can be heard in {folder}: expected sounds in esc10/<what sounds>/ or pairs/, or videos in "
            f"avsbench_clips/ or silent/; folders of which nothing is known: {', '.join(unknown_folders) or 'none'}"
        )
    return BenchData(pictures, sounds, pairs, found, folder / "silent", unknown_folders, unknown_pairs)
