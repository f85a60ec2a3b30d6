"""The arguments of every command that runs a model over a recording."""

from __future__ import annotations

from pathlib import Path


def add_recording(command, *, out_help: str) -> None:
    """input, -o, --model, --device, and the topics of a bag that has several."""
    command.add_argument("input", help="rosbag2 (folder, .mcap, .db3), video file, or folder of pictures with a .wav")
    command.add_argument("-o", "--out", type=Path, required=True, help=out_help)
    command.add_argument(
        "--model",
        default="demo",
        help="zero_shot, demo, a checkpoint, or a YAML file with settings of zero_shot (default %(default)s)",
    )
    command.add_argument("--device", default="auto", help="auto, cpu or cuda (default %(default)s)")
    add_topics(command)


def add_topics(command) -> None:
    """Declare --image-topic and --audio-topic."""
    command.add_argument("--image-topic", help="of a bag with several cameras (default: a colour image)")
    command.add_argument("--audio-topic", help="of a bag with several microphones (default: the first with messages)")
