"""`c3n`: parse, call, print. Each command is a file in `commands/`."""

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
    describe,
    doctor,
    evaluate,
    evaluate_bag,
    explain,
    import_authors,
    labels,
    missing_extra,
    prepare,
    pretrain,
    reproduce,
    segment,
    synthesize,
    train,
    train_vggish_head,
    weights,
    zero_shot_bench,
)

COMMANDS = (
    segment,
    explain,
    bag,
    weights,
    zero_shot_bench,
    calibrate,
    synthesize,
    prepare,
    doctor,
    pretrain,
    train,
    evaluate,
    compare,
    evaluate_bag,
    describe,
    benchmark,
    reproduce,
    labels,
    import_authors,
    train_vggish_head,
)


def main(arguments: list[str] | None = None) -> None:
    """Run one command. Exits 1 with one line on bad input or after a report of what is left to do, 130 on Ctrl-C."""
    given = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="c3n", description="Which pixels make the sound: audio-visual segmentation.")
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
