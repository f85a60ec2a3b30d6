"""What a folder of real data holds for the bench. All parts but coco/ may be missing.

| folder | what |
|---|---|
| `coco/` | pictures with masks, see `pictures.read_pictures` |
| `esc10/<what sounds>/` | sounds |
| `cutouts/` | cut-outs with alpha and a sound each, see `cutouts` |
| `pairs/` | `<noun>_image.*` with `<noun>_audio.*`: names only |
| `avsbench_clips/` | videos with avsbench_metadata.csv: names only |
| `clips/` | videos with truth.json, see `clips` |
| `silent/` | videos without sound |
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from c3n_model.experiments.zero_shot.clips import RecordedSecond, silent_seconds, true_seconds
from c3n_model.experiments.zero_shot.cutouts import Cutout, read_cutouts
from c3n_model.experiments.zero_shot.halves import file_in_half, picture_in_half
from c3n_model.experiments.zero_shot.pictures import Picture, read_pictures
from c3n_model.experiments.zero_shot.sounds import Sound, clip_sound, clips, folder_sounds, pair_sounds


@dataclass(frozen=True)
class BenchData:
    """One half of a folder, see `halves`. `sounds` has those of the pairs and of the AVSBench clips with one sounding thing,
    too; `left_out` names what nothing is known of or what lacks its other half."""

    pictures: list[Picture]
    sounds: list[Sound]
    cutouts: list[Cutout]
    pairs: list[tuple[Path, Sound]]
    avsbench_clips: list[tuple[Path, frozenset[str]]]
    true_seconds: list[RecordedSecond]
    silent: list[RecordedSecond]
    left_out: list[str]


def read_data(folder: Path, tuning: bool) -> BenchData:
    """Read the tuning half or the reported half of a folder.

    Raises:
        FileNotFoundError: no such folder, or no annotated pictures in it. ValueError: a file that cannot be read, no picture
        of the wanted half, or nothing to hear at all.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no such folder: {folder}; expected one with coco/ and esc10/ at least")
    pictures = _half_of(read_pictures(folder / "coco"), tuning)
    sounds, unknown = folder_sounds(folder / "esc10")
    pairs, lonely_pairs = pair_sounds(folder / "pairs")
    pasted, lonely_cutouts = read_cutouts(folder / "cutouts")
    played = [(path, nouns) for path, nouns in clips(folder / "avsbench_clips") if file_in_half(path.stem, tuning)]
    pairs = [(path, sound) for path, sound in pairs if file_in_half(path.stem, tuning)]
    heard = [sound for sound in sounds if file_in_half(sound.name.split("/")[-1], tuning)]
    heard += [sound for _, sound in pairs]
    heard += [clip_sound(path, next(iter(nouns))) for path, nouns in played if len(nouns) == 1]
    data = BenchData(
        pictures=pictures,
        sounds=heard,
        cutouts=[cutout for cutout in pasted if file_in_half(cutout.name, tuning)],
        pairs=pairs,
        avsbench_clips=played,
        true_seconds=[second for second in true_seconds(folder / "clips") if file_in_half(second.group, tuning)],
        silent=silent_seconds(folder / "silent"),
        left_out=[*(f"esc10/{name}" for name in unknown), *(f"pairs/{name}" for name in lonely_pairs)]
        + [f"cutouts/{name}" for name in lonely_cutouts],
    )
    if not (data.sounds or data.cutouts or data.avsbench_clips or data.true_seconds or data.silent):
        raise ValueError(
            f"nothing can be heard in this half of {folder}: expected sounds in esc10/<what sounds>/, pairs/ or cutouts/, or "
            f"videos in avsbench_clips/, clips/ or silent/; left out: {', '.join(data.left_out) or 'nothing'}"
        )
    return data


def _half_of(pictures: list[Picture], tuning: bool) -> list[Picture]:
    chosen = [picture for picture in pictures if picture_in_half(picture.name, tuning)]
    if not chosen and tuning:
        raise ValueError(
            f"none of the {len(pictures)} pictures is one that constants were tuned on; leave out --tuning"
        )
    if not chosen:
        raise ValueError(
            f"constants were tuned on all of the {len(pictures)} pictures, which would flatter; --tuning scores them all "
            "the same"
        )
    return chosen
