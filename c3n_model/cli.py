"""The command `c3n`. Each subcommand is a file in `commands/`."""

from __future__ import annotations

import argparse
import shlex
import sys

from c3n_model.commands import (
    Unsuccessful,
    bag,
    benchmark,
    calibrate,
    compare,
    compose,
    describe,
    direction_bench,
    doctor,
    evaluate,
    evaluate_bag,
    explain,
    export,
    import_authors,
    labels,
    live,
    missing_extra,
    motion_bench,
    outline,
    prepare,
    pretrain,
    pseudo_label,
    reproduce,
    review,
    robustness,
    segment,
    synthesize,
    train,
    train_direct_sound,
    train_vggish_head,
    train_visual_head,
    weights,
    zero_shot_bench,
)

COMMANDS = (
    live,
    segment,
    explain,
    export,
    bag,
    review,
    pseudo_label,
    weights,
    zero_shot_bench,
    direction_bench,
    motion_bench,
    calibrate,
    outline,
    compose,
    synthesize,
    prepare,
    doctor,
    pretrain,
    train,
    evaluate,
    compare,
    robustness,
    evaluate_bag,
    describe,
    benchmark,
    reproduce,
    labels,
    import_authors,
    train_direct_sound,
    train_vggish_head,
    train_visual_head,
)


def main(arguments: list[str] | None = None) -> None:
    """Run one command.

    Exits with 1 and a one-line error on bad input, with 1 after a report of remaining problems, and with 130 on Ctrl-C.
    """
    given = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="c3n", description="Audio-visual segmentation: segment the objects that make the sound."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    options = parser.parse_args(given)
    try:
        print(options.run(options, "c3n " + shlex.join(given)))
    except Unsuccessful as report:
        print(report)
        sys.exit(1)
    except (ValueError, OSError) as error:
        sys.exit(f"c3n: {error}")
    except ModuleNotFoundError as error:
        remedy = missing_extra(error)
        if remedy is None:
            raise
        sys.exit(f"c3n: {remedy}")
    except KeyboardInterrupt:
        sys.exit(130)
