"""Arguments shared by the commands that run a model on a recording."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def add_recording(command, *, out_help: str) -> None:
    """Add input, -o, --model, --device, --image-topic and --audio-topic."""
    command.add_argument("input", help="rosbag2 (folder, .mcap, .db3), video file, or folder of images with a .wav")
    command.add_argument("-o", "--out", type=Path, required=True, help=out_help)
    add_model(command, default="demo")
    add_topics(command)
    command.add_argument(
        "--channels",
        default="all",
        help="audio channels to use, counted from 0, such as 0-4 or 0,2; the model gets their mean (default %(default)s)",
    )


def add_model(command, *, default: str) -> None:
    """Add --model, --device and --no-download."""
    command.add_argument(
        "--model",
        default=default,
        help="zero_shot, demo, a checkpoint, a file of c3n export, or a YAML file with a zero_shot section (default %(default)s)",
    )
    command.add_argument("--device", default="auto", help="auto, cpu or cuda (default %(default)s)")
    command.add_argument(
        "--no-download", action="store_true", help="do not fetch pretrained files that the model needs and are missing"
    )


def add_layout(command) -> None:
    """Declare how clips of recordings are written in AVSBench's layout."""
    command.add_argument(
        "--setting",
        choices=("ms3", "s4"),
        default="ms3",
        help="ms3: a mask for each second; s4: a folder for each label (default %(default)s)",
    )
    command.add_argument(
        "--split",
        choices=("auto", "train", "val", "test"),
        default="auto",
        help="of each recording's clips; auto: half, a quarter, a quarter (default %(default)s)",
    )


def add_topics(command) -> None:
    """Add --image-topic and --audio-topic."""
    command.add_argument("--image-topic", help="image topic to use if the bag has several (default: a colour image)")
    command.add_argument(
        "--audio-topic", help="audio topic to use if the bag has several (default: the first with messages)"
    )


def open_recording(options, array_channels: tuple[int, ...] = ()) -> Any:
    """Return the source that the arguments of `add_recording` describe; with the channels of a microphone array apart, if it has
    any. Raises what `open_source` and `parse_channels` raise."""
    from c3n_model.sources import open_source
    from c3n_model.streaming.channels import ChosenChannels, parse_channels

    channels = parse_channels(options.channels)
    return ChosenChannels(
        open_source(options.input, options.image_topic, options.audio_topic), channels, array_channels
    )


def load_chosen_model(options, say: Callable[[str], None] | None = None) -> Any:
    """Return the model of the arguments of `add_model`, after fetching what it lacks; `say` is told of that (default: stderr).

    Raises what `fetch_weights` and `load_model` raise.
    """
    from c3n_model.loading import fetch_weights, load_model
    from c3n_model.progress import bar, told

    if not options.no_download:
        fetch_weights(options.model, say or _to_stderr, told(say, every_s=1.0) if say else bar)
    return load_model(options.model)


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
