"""What came in on one topic lately, and who could have sent it. Used by `health`; no ROS, no clock of its own."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from c3n_model.streaming.audio_buffer import JITTER_NS
from c3n_model.types import NANOSECONDS_PER_SECOND

RECENT_S = 5.0  # what rates and ratios are taken over
MOST_ARRIVALS = 2048  # held, which is more than five seconds of 10 ms pieces
LONGEST_GAP_NS = 10 * NANOSECONDS_PER_SECOND  # a longer one is a clock that jumped
FEWEST_FOR_STANDING = 5  # messages with one and the same stamp


@dataclass(frozen=True)
class Quality:
    """Of service: `reliability` "reliable" or "best_effort", `durability` "transient_local" or "volatile"."""

    reliability: str = "best_effort"
    durability: str = "volatile"

    def lacks(self, offered: Quality) -> str:
        """What `offered` has not and this request needs: "reliability", "durability" or "" (then they match)."""
        if self.reliability == "reliable" and offered.reliability == "best_effort":
            return "reliability"
        if self.durability == "transient_local" and offered.durability == "volatile":
            return "durability"
        return ""


@dataclass(frozen=True)
class Recent:
    """The messages of the last seconds, in figures.

    `offset_s` is stamp minus time of arrival for the message that came quickest (only differences of two streams mean
    anything); `gap_ratio` the part of the stamps' time that no message covers; `stands`: the stamps do not advance.
    """

    rate_hz: float
    age_s: float
    offset_s: float
    gap_ratio: float
    stands: bool


class Arrivals:
    """The messages of one topic: `add` each as it comes, `recent` tells of the last five seconds.

    `topic` is its full name; `requested` what the subscription asks for and `publishers` what those who are there offer,
    both kept up by the caller; `refused` says why the newest message could not be used. `add` is O(1) and may be called
    from another thread than `recent`.
    """

    def __init__(self, topic: str, requested: Quality | None = None):
        self.topic = topic
        self.requested = requested or Quality()
        self.publishers: tuple[Quality, ...] = ()
        self.refused = ""
        self.count = 0
        self._messages: deque[tuple[float, int, int]] = deque(maxlen=MOST_ARRIVALS)  # arrival, begin, end
        self._lock = threading.Lock()

    def add(self, now_s: float, begin_ns: int, end_ns: int | None = None) -> None:
        """A message came at `now_s`; it covers [begin_ns, end_ns) of stamps (an image: one moment)."""
        with self._lock:
            self.count += 1
            self._messages.append((now_s, begin_ns, begin_ns if end_ns is None else end_ns))

    def age_s(self, now_s: float) -> float | None:
        """Seconds since the last message, None before the first."""
        with self._lock:
            return now_s - self._messages[-1][0] if self._messages else None

    def recent(self, now_s: float) -> Recent | None:
        """Of the last five seconds; None if nothing came in them."""
        with self._lock:
            messages = list(self._messages)
        messages = [message for message in messages if message[0] > now_s - RECENT_S]
        if not messages:
            return None
        span_s = messages[-1][0] - messages[0][0]
        begins = [begin for _, begin, _ in messages]
        return Recent(
            rate_hz=(len(messages) - 1) / span_s if span_s > 0 else len(messages) / RECENT_S,
            age_s=now_s - messages[-1][0],
            offset_s=max(end / NANOSECONDS_PER_SECOND - arrival for arrival, _, end in messages),
            gap_ratio=_gap_ratio(messages),
            stands=len(messages) >= FEWEST_FOR_STANDING and len(set(begins)) == 1,
        )

    def unmatched(self) -> dict[str, int]:
        """How many publishers cannot be heard, by what they lack: "reliability", "durability"."""
        lacking = [self.requested.lacks(offered) for offered in self.publishers]
        return {policy: lacking.count(policy) for policy in lacking if policy}


def _gap_ratio(messages: list[tuple[float, int, int]]) -> float:
    """What is missing between messages in the order they came; a stamp that goes back or far ahead is no gap."""
    heard = sum(end - begin for _, begin, end in messages)
    holes = (later[1] - earlier[2] for earlier, later in zip(messages, messages[1:]))
    missing = sum(hole for hole in holes if JITTER_NS < hole < LONGEST_GAP_NS)
    return missing / (missing + heard) if heard else 0.0
