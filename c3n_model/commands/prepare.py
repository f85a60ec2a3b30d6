"""`c3n prepare`: extract AVSBench's frames, masks and audio from its raw videos."""

from __future__ import annotations

from pathlib import Path

from c3n_model.commands import Unsuccessful


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("prepare", help="extract AVSBench's frames, masks and audio from its raw videos")
    command.add_argument("videos", type=Path, help="raw_videos of S4 (<split>/<category>/*.mp4) or of MS3 (*.mp4)")
    command.add_argument(
        "-o", "--out", type=Path, required=True, help="output folder; an interrupted run can be resumed"
    )
    command.add_argument(
        "--masks", type=Path, help="folder with the layout of gt_masks (default: gt_masks next to VIDEOS)"
    )
    command.add_argument(
        "--csv", type=Path, help="csv with the splits of MS3 (default: the release's ms3_meta_data.csv)"
    )
    command.add_argument(
        "--channels",
        default="all",
        help="audio channels to use, counted from 0, such as 0-4 or 0,2; their mean is written (default %(default)s)",
    )
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Prepare the clips. Raises Unsuccessful if a video could not be used."""
    from c3n_model.data.prepare import prepare
    from c3n_model.data.raw_videos import find_videos
    from c3n_model.progress import bar
    from c3n_model.streaming.channels import parse_channels

    beside = options.videos.resolve().parent / "gt_masks"
    masks = options.masks or (beside if beside.is_dir() else None)
    if masks and not masks.is_dir():
        raise FileNotFoundError(f"no such folder: {masks}; expected one with the layout of AVSBench's gt_masks")
    videos = find_videos(options.videos, options.csv)
    prepared = prepare(videos, masks, options.out, bar, parse_channels(options.channels))
    text = _report(prepared, f"masks from {masks}" if masks else "no masks: pass their folder with --masks")
    if prepared.failed:
        raise Unsuccessful(text)
    return text


def _report(prepared, masks: str) -> str:
    lines = [f"{len(prepared.made)} clips written and {len(prepared.kept)} kept in {prepared.folder}; {masks}"]
    for event, names in (
        ("end early; their last frame is repeated", prepared.frame_repeated),
        ("have too little sound; silence is appended", prepared.silence_added),
        ("have channels that cancel each other out (choose with --channels)", prepared.cancelled),
    ):
        if names:
            lines.append(f"{len(names)} {event}: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}")
    if prepared.failed:
        lines.append(f"{len(prepared.failed)} could not be used:")
        lines += [f"  {name}: {reason}" for name, reason in prepared.failed.items()]
    return "\n".join(lines)
