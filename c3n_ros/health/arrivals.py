"""Recent messages of one topic and its publishers. Used by `health`; no ROS, no clock of its own."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from c3n_model.streaming.sound_runs import MAX_LATENESS_NS
from c3n_model.types import NANOSECONDS_PER_SECOND

RECENT_S = 5.0  # period for rates and ratios
MAX_ARRIVALS = 2048  # held, which is more than five seconds of 10 ms messages
MAX_GAP_NS = 10 * NANOSECONDS_PER_SECOND  # a longer one is a clock that jumped
MIN_FOR_CONSTANT_STAMPS = 5  # messages with the same stamp


@dataclass(frozen=True)
class QoS:
    """Quality of service: `reliability` "reliable" or "best_effort", `durability` "transient_local" or "volatile"."""

    reliability: str = "best_effort"
    durability: str = "volatile"

    def mismatch(self, offered: QoS) -> str:
        """Return the policy of this request that `offered` does not satisfy: "reliability", "durability" or "" (a match)."""
        if self.reliability == "reliable" and offered.reliability == "best_effort":
            return "reliability"
        if self.durability == "transient_local" and offered.durability == "volatile":
            return "durability"
        return ""


@dataclass(frozen=True)
class Recent:
    """Statistics of the messages of the last seconds.

    `offset_s` is stamp minus time of arrival of the message with the smallest delay (only differences between two streams are
    meaningful); `rate_hz` includes messages that were passed over; `gap_ratio` the fraction of the stamps' time that no message
    covers; `has_constant_stamps`: the stamps do not advance; `lost_ratio` the fraction of the messages that DDS reported as lost
    on the way.
    """

    rate_hz: float
    age_s: float
    offset_s: float
    gap_ratio: float
    has_constant_stamps: bool
    lost_ratio: float = 0.0


class Arrivals:
    """Records the messages of one topic with `add`; `recent` gives statistics of the last five seconds.

    `topic` is its full name; `requested` the QoS of the subscription and `publishers` that of each publisher, both updated by
    the caller; `refused` says why the newest message could not be used, `unfit` why it does not match the newest window. `count`
    includes messages that were passed over: nobody needed them. `add`, `pass_over` and `lose` are O(1) and may be called from
    another thread than `recent`.
    """

    def __init__(self, topic: str, requested: QoS | None = None):
        self.topic = topic
        self.requested = requested or QoS()
        self.publishers: tuple[QoS, ...] = ()
        self.refused = self.unfit = ""
        self.taken = self.passed_over = 0
        self._messages: deque[tuple[float, int, int]] = deque(maxlen=MAX_ARRIVALS)  # arrival, begin, end
        self.lost = 0
        self._losses: deque[tuple[float, int]] = deque(maxlen=MAX_ARRIVALS)  # time, number of messages
        self._passed: deque[tuple[float, int]] = deque(maxlen=MAX_ARRIVALS)
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """How many messages arrived so far."""
        return self.taken + self.passed_over

    def add(self, now_s: float, begin_ns: int, end_ns: int | None = None) -> None:
        """Record a message that arrived at `now_s` and covers the stamps [begin_ns, end_ns) (an image: one instant)."""
        with self._lock:
            self.taken += 1
            self._messages.append((now_s, begin_ns, begin_ns if end_ns is None else end_ns))

    def lose(self, now_s: float, count: int) -> None:
        """Record messages that were sent and did not arrive, as DDS reported at `now_s`."""
        with self._lock:
            self.lost += count
            self._losses.append((now_s, count))

    def pass_over(self, since_s: float, count: int) -> None:
        """Record messages that arrived after `since_s` and were not taken, because no window needed them."""
        with self._lock:
            self.passed_over += count
            self._passed.append((since_s, count))

    def age_s(self, now_s: float) -> float | None:
        """Return the seconds since the last message, None before the first."""
        with self._lock:
            return now_s - self._messages[-1][0] if self._messages else None

    def recent(self, now_s: float) -> Recent | None:
        """Return statistics of the last five seconds; None if nothing arrived in them."""
        with self._lock:
            messages, losses, passed = list(self._messages), list(self._losses), list(self._passed)
        messages = [message for message in messages if message[0] > now_s - RECENT_S]
        if not messages:
            return None
        lost = sum(count for at_s, count in losses if at_s > now_s - RECENT_S)
        passed_over = sum(count for since_s, count in passed if since_s >= messages[0][0])
        begins = [begin for _, begin, _ in messages]
        span_s = messages[-1][0] - messages[0][0]
        if passed_over:  # the others are taken several at a time: only their stamps tell when they were sent
            span_s = (begins[-1] - begins[0]) / NANOSECONDS_PER_SECOND
        return Recent(
            rate_hz=(len(messages) - 1 + passed_over) / span_s if span_s > 0 else len(messages) / RECENT_S,
            age_s=now_s - messages[-1][0],
            offset_s=max(end / NANOSECONDS_PER_SECOND - arrival for arrival, _, end in messages),
            gap_ratio=_gap_ratio(messages),
            has_constant_stamps=len(messages) >= MIN_FOR_CONSTANT_STAMPS and len(set(begins)) == 1,
            lost_ratio=lost / (lost + len(messages) + passed_over),
        )

    def unmatched(self) -> dict[str, int]:
        """Return how many publishers do not match the subscription, by policy: "reliability", "durability"."""
        mismatches = [self.requested.mismatch(offered) for offered in self.publishers]
        return {policy: mismatches.count(policy) for policy in mismatches if policy}


def _gap_ratio(messages: list[tuple[float, int, int]]) -> float:
    """Return the fraction missing between messages in order of arrival: the span of the stamps less what the messages cover.

    Late stamps cancel: the gap before such a message is an overlap after it. A clock that jumps is not a gap.
    """
    covered = sum(end - begin for _, begin, end in messages)
    gaps = (later[1] - earlier[2] for earlier, later in zip(messages, messages[1:]))
    missing = sum(gap for gap in gaps if -MAX_LATENESS_NS < gap < MAX_GAP_NS)
    return missing / (missing + covered) if covered and missing > MAX_LATENESS_NS else 0.0
