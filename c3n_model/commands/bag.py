"""`c3n bag make` and `c3n bag extract`: convert between rosbag2 and video."""

from __future__ import annotations

from pathlib import Path

from c3n_model.commands.recording import add_topics


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("bag", help="convert a video or folder to a bag, or a bag to a video")
    verbs = command.add_subparsers(required=True, metavar="VERB")
    make = verbs.add_parser("make", help="write a bag with camera and microphone topics from a video or a folder")
    make.add_argument("input", help="video file, or folder of images with a .wav")
    make.add_argument("-o", "--out", type=Path, help="bag to write (default: the input's path with suffix .bag)")
    add_topics(make)
    make.add_argument(
        "--storage", choices=["mcap", "sqlite3"], default="mcap", help="storage format (default %(default)s)"
    )
    make.set_defaults(run=run_make)
    extract = verbs.add_parser("extract", help="write an mp4 from a bag's camera and microphone topics")
    extract.add_argument("input", help="rosbag2: folder, .mcap or .db3")
    extract.add_argument("-o", "--out", type=Path, help="video to write (default: the bag's path with suffix .mp4)")
    add_topics(extract)
    extract.set_defaults(run=run_extract)


def run_make(options, _: str) -> str:
    """Convert a video or folder to a bag."""
    from c3n_model.progress import bar
    from c3n_model.sources import open_source
    from c3n_model.sources.convert import bag_from_media

    target = options.out or Path(options.input).with_suffix(".bag")
    source = open_source(options.input, options.image_topic, options.audio_topic)
    bag_from_media(source, target, options.storage, progress=bar)
    return "\n".join([*source.notes, f"wrote {target}"])


def run_extract(options, _: str) -> str:
    """Convert a bag to a video."""
    from c3n_model.progress import bar
    from c3n_model.sources.bag import BagSource
    from c3n_model.sources.convert import media_from_bag

    target = options.out or Path(options.input).with_suffix(".mp4")
    bag = BagSource(options.input, options.image_topic, options.audio_topic)
    media_from_bag(bag, target, progress=bar)
    return "\n".join([*bag.notes, f"wrote {target}"])
