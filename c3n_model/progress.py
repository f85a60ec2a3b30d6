"""Progress bars with an estimate, at the rim: library functions take `progress(iterable, title)` and know no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import length_hint
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
Progress = Callable[[Iterable, str], Iterable]


def bar(items: Iterable[Item], title: str) -> Iterable[Item]:
    """A bar on the terminal (stderr)."""
    return tqdm(items, desc=title, total=length_hint(items) or None, dynamic_ncols=True, mininterval=0.5)


def silent(items: Iterable[Item], title: str) -> Iterable[Item]:
    """No bar."""
    return items
