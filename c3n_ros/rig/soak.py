"""Runs the segmentation node under seeded faults for minutes or hours. `make soak` runs this in the built workspace.

The node with the demo model is a process of its own, which is ended and started again; camera and microphone lose, delay,
double, reorder, corrupt and change messages, restart, and their clock jumps. Every second without a fault must be published
or counted as dropped, the node must recover in time, and memory, descriptors and threads of its process must not grow.

out/soak/report.json   the result; the exit status is 1 if anything failed
out/soak/faults.jsonl  every fault with begin and end, seconds of the soak
out/soak/node.log      the log of all processes of the node
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from c3n_ros.rig.soak_faults import KINDS
from c3n_ros.rig.soak_node import run


def main() -> int:
    """Run a soak and print its report; return 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m c3n_ros.rig.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=15.0, help="duration (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the faults (default %(default)s)")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="faults (default: all)")
    parser.add_argument("-o", "--out", type=Path, default=Path("out/soak"), help="folder (default %(default)s)")
    options = parser.parse_args()
    try:
        report = run(options.out, 60 * options.minutes, options.seed, options.kinds)
    except (RuntimeError, ValueError, OSError) as error:
        print(f"soak failed: {error}", file=sys.stderr)
        return 1
    print(json.dumps(report, indent=2))
    return 1 if report["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
