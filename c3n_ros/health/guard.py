"""Catches the exceptions of callbacks and queue items: each costs that item only, is counted under its topic (or other source),
kept for /diagnostics and logged at a limited rate."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

REPEAT_AFTER_S = 10.0


@dataclass(frozen=True)
class Failure:
    """The failures of one source: how many so far, cause and remedy of the last one, and its time (time.monotonic)."""

    count: int
    cause: str
    at_s: float


class Guard:
    """Calls functions so that their exceptions reach neither the executor nor a thread's loop. Thread safe.

    Sources are topics, services, timers and fixed names. Exceptions other than Exception (SystemExit) are not caught.
    """

    def __init__(self, log: Callable[[str], None], on_failure: Callable[[str], None] = lambda source: None):
        """`log` is called at most once per source in `REPEAT_AFTER_S`, and never with the same text twice in that time;
        `on_failure` with the source of every failure, in the thread where it failed."""
        self._log, self._on_failure = log, on_failure
        self._lock = threading.Lock()
        self._failures: dict[str, Failure] = {}
        self._logged: dict[str, float] = {}  # time by source; "" for the latest text
        self._last_text = ""

    @property
    def failures(self) -> dict[str, Failure]:
        """The failures so far, by source."""
        with self._lock:
            return dict(self._failures)

    def run(self, source: str, function: Callable, *arguments: Any) -> Any:
        """Return `function(*arguments)`, or None if it raised an Exception, which is counted under `source`."""
        try:
            return function(*arguments)
        except Exception as error:
            self.record(source, in_one_line(error))
            self._on_failure(source)
            return None

    def wrap(self, source: str, function: Callable) -> Callable:
        """Return a function that calls `function` through `run`."""
        return lambda *arguments: self.run(source, function, *arguments)

    def record(self, source: str, cause: str) -> None:
        """Count a failure that was detected elsewhere, and log it at a limited rate."""
        now_s = time.monotonic()
        with self._lock:
            known = self._failures.get(source)
            self._failures[source] = Failure(known.count + 1 if known else 1, cause, now_s)
            since_s = now_s - REPEAT_AFTER_S
            repeated = cause == self._last_text and self._logged.get("", since_s) > since_s
            if repeated or self._logged.get(source, since_s) > since_s:
                return
            self._logged[source] = self._logged[""] = now_s
            self._last_text = cause
        count = f" ({known.count + 1} so far)" if known else ""
        self._log(f"{source}: skipped one item{count}: {cause}")


def in_one_line(error: BaseException) -> str:
    """Return the text of an exception in one line, with its class unless the text explains itself."""
    text = " ".join(str(error).split())
    return text if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: {text}"
