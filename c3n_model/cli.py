"""`c3n`: parse, call, print. Heavy imports happen after parsing, so `--help` is instant."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> None:
    """Run one command. Exits 1 with one line on bad input, 130 on Ctrl-C."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(given)
    try:
        print(options.run(options, "c3n " + shlex.join(given)))
    except (ValueError, OSError) as error:
        sys.exit(f"c3n: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="c3n", description="Which pixels make the sound: audio-visual segmentation.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_segment(commands)
    _add_bag(commands)
    _add_synthesize(commands)
    _add_pretrain(commands)
    _add_train(commands)
    _add_evaluate(commands)
    return parser


def _add_segment(commands) -> None:
    command = commands.add_parser("segment", help="masks, labels and an overlay video of a bag, video or folder")
    command.add_argument("input", help="rosbag2 (folder, .mcap, .db3), video file, or folder of pictures with a .wav")
    command.add_argument("-o", "--out", type=Path, required=True, help="folder for masks, labels.jsonl, overlay.mp4")
    command.add_argument("--model", default="demo", help="demo, zero_shot, or a safetensors file (default %(default)s)")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda (default %(default)s)")
    command.add_argument("--threshold", type=float, default=0.5, help="mask probability (default %(default)s)")
    command.add_argument("--image-topic", help="of a bag with several cameras")
    command.add_argument("--audio-topic", help="of a bag with several microphones")

    def run(options, _) -> str:
        from c3n_model.media_commands import segment_to_folder

        topics = (options.image_topic, options.audio_topic)
        return segment_to_folder(options.input, topics, options.out, options.model, options.device, options.threshold)

    command.set_defaults(run=run)


def _add_bag(commands) -> None:
    command = commands.add_parser("bag", help="make a bag from a video or folder, or a video from a bag")
    verbs = command.add_subparsers(required=True, metavar="VERB")
    make = verbs.add_parser("make", help="a bag with camera and microphone topics from a video or a folder")
    make.add_argument("input", help="video file, or folder of pictures with a .wav")
    make.add_argument("-o", "--out", type=Path, help="bag to write (default: the input's name, beside it)")
    make.add_argument("--storage", choices=["mcap", "sqlite3"], default="mcap", help="(default %(default)s)")
    extract = verbs.add_parser("extract", help="an mp4 from a bag's camera and microphone")
    extract.add_argument("input", help="rosbag2: folder, .mcap or .db3")
    extract.add_argument("-o", "--out", type=Path, help="video to write (default: the bag's name, beside it)")

    def run_make(options, _) -> str:
        from c3n_model.media_commands import make_bag

        return make_bag(options.input, options.out, options.storage)

    def run_extract(options, _) -> str:
        from c3n_model.media_commands import extract_video

        return extract_video(options.input, options.out)

    make.set_defaults(run=run_make)
    extract.set_defaults(run=run_extract)


def _add_synthesize(commands) -> None:
    command = commands.add_parser("synthesize", help="write synthetic scenes in AVSBench's layout")
    command.add_argument("root", type=Path, help="folder to write below")
    command.add_argument("--setting", choices=["s4", "ms3"], help="default: both")
    command.add_argument("--train", type=int, default=1500, help="scenes of the train split (default %(default)s)")
    command.add_argument("--val", type=int, default=50, help="(default %(default)s)")
    command.add_argument("--test", type=int, default=150, help="(default %(default)s)")
    command.add_argument(
        "--seed", type=int, default=0, help="the same seed makes the same scenes (default %(default)s)"
    )

    def run(options, _) -> str:
        from c3n_model.offline import make_scenes

        counts = {split: getattr(options, split) for split in ("train", "val", "test")}
        return make_scenes(options.root, [options.setting] if options.setting else ["s4", "ms3"], counts, options.seed)

    command.set_defaults(run=run)


def _add_pretrain(commands) -> None:
    command = commands.add_parser("pretrain", help="train the two classifiers of the synthetic world")
    command.add_argument("--config", type=Path, required=True, help="YAML, such as config/demo.yaml")
    command.add_argument("-o", "--out", type=Path, required=True, help="safetensors file to write")

    def run(options, command_line: str) -> str:
        from c3n_model.offline import pretrain_classifiers

        return pretrain_classifiers(options.config, options.out, command_line)

    command.set_defaults(run=run)


def _add_train(commands) -> None:
    command = commands.add_parser("train", help="train C3N on clips in AVSBench's layout")
    command.add_argument("data", type=Path, nargs="+", help="folders with Single-source and/or Multi-sources")
    command.add_argument("--config", type=Path, required=True, help="YAML, such as config/demo.yaml")
    command.add_argument("--classifiers", type=Path, required=True, help="file written by c3n pretrain")
    command.add_argument("-o", "--out", type=Path, required=True, help="safetensors file to write")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda (default %(default)s)")

    def run(options, command_line: str) -> str:
        from c3n_model.offline import train_model

        return train_model(options.config, options.classifiers, options.data, options.out, options.device, command_line)

    command.set_defaults(run=run)


def _add_evaluate(commands) -> None:
    command = commands.add_parser("evaluate", help="score a model on clips in AVSBench's layout")
    command.add_argument("model", help="demo, or a safetensors file")
    command.add_argument("data", type=Path, help="folder with Single-source and/or Multi-sources")
    command.add_argument("--split", default="test", help="train, val or test (default %(default)s)")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda (default %(default)s)")

    def run(options, _) -> str:
        from c3n_model.offline import evaluate_model

        return evaluate_model(options.model, options.data, options.split, options.device)

    command.set_defaults(run=run)
