"""Measure how many mutants of the core the tests kill, on a random sample by a fixed seed: what `make mutants` calls.

mutmut (`pip install mutmut`) makes the mutants and runs the tests, in mutants/; pyproject.toml says of which files and with which tests. The
score and the survivors are written to OUT/score.json.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KILLED, SURVIVED = ("killed", "timeout", "segfault", "suspicious"), ("survived", "no tests")


def mutmut(*arguments: str) -> str:
    """Run mutmut; return its output. Raises SystemExit with its last lines if it fails."""
    done = subprocess.run([sys.executable, "-m", "mutmut", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("\n".join([*(done.stdout + done.stderr).splitlines()[-15:], "mutmut failed; is it installed?"]))
    return done.stdout


def results() -> dict[str, str]:
    """Return {mutant: status} of all mutants that exist."""
    lines = re.findall(r"^\s*(\S+__mutmut_\d+): (.+)$", mutmut("results", "--all", "true"), re.M)
    return dict(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="mutation_score", description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=400, help="mutants to try (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default %(default)s)")
    parser.add_argument("-o", "--out", type=Path, default=Path("out/mutants"), help="folder (default %(default)s)")
    options = parser.parse_args()
    mutmut("run", "c3n_model.presence.*")  # makes all mutants, and finds out which tests execute what
    names = sorted(results())
    sample = random.Random(options.seed).sample(names, min(options.count, len(names)))
    mutmut("run", "--max-children", str(os.cpu_count() or 1), *sample)
    statuses = {name: status for name, status in results().items() if name in set(sample)}
    survivors = sorted(name for name, status in statuses.items() if status in SURVIVED)
    killed = sum(status in KILLED for status in statuses.values())
    score = {
        "mutants": len(names),
        "tried": len(statuses),
        "seed": options.seed,
        "killed": killed,
        "score": round(killed / max(len(statuses), 1), 4),
        "statuses": dict(Counter(statuses.values())),
        "survivors": {name: mutmut("show", name) for name in survivors},
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "score.json").write_text(json.dumps(score, indent=2) + "\n", encoding="utf-8")
    print(f"{killed} of {len(statuses)} mutants killed ({score['score']:.1%}); survivors in {options.out}/score.json")


if __name__ == "__main__":
    main()
