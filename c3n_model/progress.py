"""Progress bars. Library functions get `progress(iterable, title)` as an argument, so that only commands write to the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import length_hint
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
Progress = Callable[[Iterable, str], Iterable]


def bar(items: Iterable[Item], title: str) -> Iterable[Item]:
    """Show a progress bar on stderr while iterating."""
    return tqdm(items, desc=title, total=length_hint(items) or None, dynamic_ncols=True, mininterval=0.5)


def silent(items: Iterable[Item], title: str) -> Iterable[Item]:
    """Iterate without a progress bar."""
    return items
