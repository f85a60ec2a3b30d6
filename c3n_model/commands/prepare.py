"""`c3n prepare`: AVSBench's frames, masks and sounds from raw videos."""

from __future__ import annotations

from pathlib import Path

from c3n_model.commands import Unsuccessful


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("prepare", help="make AVSBench's frames, masks and sounds from its raw videos")
    command.add_argument("videos", type=Path, help="raw_videos of S4 (<split>/<category>/*.mp4) or of MS3 (*.mp4)")
    command.add_argument(
        "-o", "--out", type=Path, required=True, help="folder to write below; a run can be taken up again"
    )
    command.add_argument("--masks", type=Path, help="folder laid out as gt_masks (default: the one beside VIDEOS)")
    command.add_argument("--csv", type=Path, help="splits of MS3 (default: ms3_meta_data.csv where the release has it)")
    command.add_argument(
        "--channels",
        default="all",
        help="channels of the sound to use, counted from 0, such as 0-4 or 0,2; their mean is written (default %(default)s)",
    )
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Prepare. Exit code 1 if a video could not be used."""
    from c3n_model.data.prepare import prepare
    from c3n_model.data.raw_videos import find_videos
    from c3n_model.progress import bar
    from c3n_model.streaming.channels import parse_channels

    beside = options.videos.resolve().parent / "gt_masks"
    masks = options.masks or (beside if beside.is_dir() else None)
    if masks and not masks.is_dir():
        raise FileNotFoundError(f"no such folder: {masks}; expected one laid out as AVSBench's gt_masks")
    videos = find_videos(options.videos, options.csv)
    prepared = prepare(videos, masks, options.out, bar, parse_channels(options.channels))
    text = _report(prepared, f"masks from {masks}" if masks else "no masks: give their folder with --masks")
    if prepared.failed:
        raise Unsuccessful(text)
    return text


def _report(prepared, masks: str) -> str:
    lines = [f"{len(prepared.made)} clips made and {len(prepared.kept)} kept in {prepared.folder}; {masks}"]
    for what, names in (
        ("end early, their last frame is repeated", prepared.frame_repeated),
        ("end early in sound, silence follows", prepared.silence_added),
        ("have channels that cancel each other out (choose with --channels)", prepared.cancelled),
    ):
        if names:
            lines.append(f"{len(names)} {what}: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}")
    if prepared.failed:
        lines.append(f"{len(prepared.failed)} could not be used:")
        lines += [f"  {name}: {why}" for name, why in prepared.failed.items()]
    return "\n".join(lines)
