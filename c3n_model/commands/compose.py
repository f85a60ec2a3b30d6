"""`c3n compose`: training clips in AVSBench's layout from annotated pictures and labelled sounds."""

from __future__ import annotations

import os
from pathlib import Path

NAMED = 3  # reasons that are printed; the others are counted


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("compose", help="compose training clips from annotated pictures and labelled sounds")
    command.add_argument(
        "--images",
        type=Path,
        nargs="+",
        required=True,
        metavar="SOURCE",
        help="JSON files of COCO or LVIS (instances or panoptic); folders with images/ and annotations or YOLO's polygons in "
        "labels/; folders of cut-outs (PNG with alpha)",
    )
    command.add_argument(
        "--sounds",
        type=Path,
        nargs="+",
        required=True,
        metavar="SOURCE",
        help="csv files of ESC-50, FSD50K, AudioSet or VGGSound with their clips nearby; folders with a folder for each class",
    )
    command.add_argument("-o", "--out", type=Path, required=True, help="folder to write")
    command.add_argument("--setting", choices=["s4", "ms3"], help="default: both")
    command.add_argument("--train", type=int, default=1000, help="clips of each setting in train (default %(default)s)")
    command.add_argument(
        "--val", type=int, default=100, help="... in val; 0: train gets their pictures (default %(default)s)"
    )
    command.add_argument("--test", type=int, default=100, help="... in test; 0: the same (default %(default)s)")
    command.add_argument("--seed", type=int, default=0, help="equal seeds give equal clips (default %(default)s)")
    command.add_argument(
        "--shard", type=int, default=2500, metavar="N", help="clips per folder of a larger set (default %(default)s)"
    )
    command.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count() or 1,
        help="processes; do not affect the result (default %(default)s)",
    )
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Compose the clips and a page of samples; say what was left out. The same command continues an interrupted run."""
    from c3n_model.compose.material import describe, split_material
    from c3n_model.compose.picture_set import open_pictures
    from c3n_model.compose.sample_page import write_samples
    from c3n_model.compose.sound_set import open_sounds
    from c3n_model.compose.writer import write_clips
    from c3n_model.data.avsbench import SETTINGS
    from c3n_model.files.outputs import refuse_overwriting
    from c3n_model.progress import bar

    counts = {split: getattr(options, split) for split in ("train", "val", "test")}
    if min(*counts.values(), options.shard - 1) < 0 or not any(counts.values()):
        raise ValueError(
            f"expected numbers of clips of at least 0 and shards of at least 1, got {counts} and {options.shard}"
        )
    refuse_overwriting([*options.images, *options.sounds], [options.out])
    pictures, sounds = open_pictures(options.images), open_sounds(options.sounds)
    material = split_material(pictures, sounds, counts, options.seed)
    settings = [options.setting] if options.setting else list(SETTINGS)
    written = write_clips(
        options.out, material, settings, counts, seed=options.seed, shard=options.shard, workers=options.workers,
        about={"material": {split: describe(part) for split, part in material.items()}}, progress=bar,
    )  # fmt: skip
    page = write_samples(options.out, written.roots)
    lines = [f"{split}: {_in_words(part)}" for split, part in material.items()]
    for kind, reasons in (
        ("pictures left out", pictures.left_out),
        ("sounds left out", sounds.left_out),
        ("tries with unreadable files", written.unreadable),
    ):
        lines += [
            f"{len(reasons)} {kind}: {'; '.join(reasons[:NAMED])}{' ...' if len(reasons) > NAMED else ''}"
        ] * bool(reasons)
    rate = f"{written.made / written.seconds:.1f} clips/s, " if written.made else ""
    lines.append(
        f"wrote {options.out}: {written.total} clips ({written.made} now, {rate}peak memory of a process "
        f"{written.peak_mib:.0f} MiB); look at {page}"
    )
    return "\n".join(lines)


def _in_words(material) -> str:
    nouns = ", ".join(material.sources)
    return (
        f"{len(material.pictures)} pictures, {len(material.cutouts)} cut-outs, {len(material.sounds)} sounds; "
        f"{len(material.sources)} kinds are seen and heard: {nouns}"
    )
