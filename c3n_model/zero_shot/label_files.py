"""Label files of segmenters and detectors: the names of their classes."""

from __future__ import annotations

import re
from pathlib import Path

UNUSED = "N/A"  # the name of a class number without a class, as torchvision writes it
LARGEST_NUMBER = 100_000
_NUMBERED = re.compile(r"(\d+)\s*[:,;]?\s+(.+)")


def read_labels(path: Path) -> tuple[str, ...]:
    """Read the names of classes, one a line in the order of their numbers, up to the first empty line; what follows are
    remarks. Where every line starts with its number ("17  dog") numbers may be missing, as ten of COCO's 90 are; their
    classes are called UNUSED.

    Raises:
        ValueError: the file is not text, holds no labels, or gives one number twice.
    """
    try:
        lines = path.read_text(encoding="utf-8").strip().split("\n\n")[0].splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text of labels ({error}); expected a class a line") from error
    if not lines:
        raise ValueError(f"{path} holds no labels; expected a class a line")
    numbered = [_NUMBERED.fullmatch(line.strip()) for line in lines]
    if not all(numbered):
        return tuple(line.strip() for line in lines)
    names = [(int(match[1]), match[2].strip()) for match in numbered]
    by_number = dict(names)
    if len(by_number) < len(names) or max(by_number) > LARGEST_NUMBER:
        raise ValueError(f"{path} numbers {len(names)} classes with {len(by_number)} numbers; expected one for each")
    return tuple(by_number.get(number, UNUSED) for number in range(max(by_number) + 1))
