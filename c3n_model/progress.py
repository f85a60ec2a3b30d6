"""Progress bars. Library functions get `progress(iterable, title)` as an argument, so that only commands write to the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
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


def told(say: Callable[[str], None], every_s: float = 5.0, steady_s: Callable[[], float] = time.monotonic) -> Progress:
    """Return a progress for logs: `say` is told at the end, and every few seconds before, how far it is."""

    def progress(items: Iterable[Item], title: str) -> Iterator[Item]:
        total, done, said_s = length_hint(items), 0, steady_s()
        for item in items:
            yield item
            done += 1
            if steady_s() - said_s >= every_s:
                said_s = steady_s()
                say(f"{title}: {done} of {total}" if total else f"{title}: {done}")
        say(f"{title}: {done}, complete")

    return progress
