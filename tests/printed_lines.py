"""The `c3n` lines that README.md and docs/*.md print, for the tests that run them as they are printed; tests/test_docs.py counts them.

Those of the guides run in tests/test_guides.py.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), ROOT / "docs/results/README.md")


def c3n_lines(documents: Sequence[Path] = DOCUMENTS) -> set[tuple[str, ...]]:
    """The words of each line of code that begins with c3n, without its comment; what is left out as "…" cannot run."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in documents)
    lines = [tuple(shlex.split(line, comments=True)) for line in re.findall(r"^ {4,}(c3n .+)$", text, re.M)]
    return {line for line in lines if "…" not in line}


def printed(beginning: str) -> list[str]:
    """The arguments of the one printed line that begins with these words, or consists of them."""
    words = tuple(beginning.split())
    found = [line for line in c3n_lines() if line[: len(words)] == words]
    found = [words] if words in found else found
    assert len(found) == 1, f"{beginning!r} begins {len(found)} printed lines; expected one: {sorted(found)}"
    return list(found[0][1:])
