"""Read label files, the class names of segmenters and detectors."""

from __future__ import annotations

import re
from pathlib import Path

UNUSED = "N/A"  # name of an unused class number, as in torchvision
LARGEST_NUMBER = 100_000
_NUMBERED = re.compile(r"(\d+)\s*[:,;]?\s+(.+)")


def read_labels(path: Path) -> tuple[str, ...]:
    """Read class names, one per line in the order of their numbers. Lines after the first empty line are ignored.

    If every line starts with its number ("17  dog"), numbers may be missing, as ten of COCO's 90 are; these classes are named
    UNUSED.

    Raises:
        ValueError: the file is not text, has no labels, or repeats a number.
    """
    try:
        lines = path.read_text(encoding="utf-8").strip().split("\n\n")[0].splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file of labels ({error}); expected one class per line") from error
    if not lines:
        raise ValueError(f"{path} has no labels; expected one class per line")
    numbered = [_NUMBERED.fullmatch(line.strip()) for line in lines]
    if not all(numbered):
        return tuple(line.strip() for line in lines)
    names = [(int(match[1]), match[2].strip()) for match in numbered]
    by_number = dict(names)
    if len(by_number) < len(names) or max(by_number) > LARGEST_NUMBER:
        raise ValueError(
            f"{path} has {len(names)} classes with {len(by_number)} different numbers, the largest {max(by_number)}; "
            f"expected a different number for each, at most {LARGEST_NUMBER}"
        )
    return tuple(by_number.get(number, UNUSED) for number in range(max(by_number) + 1))
