"""How long the callbacks of a stream may sleep without changing or delaying any mask.

A window uses one image and closes when its second of sound is complete. Between these moments messages may wait in DDS: images
that nobody takes are never copied, and sound is taken many messages at a time. All of it is by stamps, so it holds only while they
advance in real time; otherwise (a bag played faster, unstamped sound) nothing sleeps.
"""

from __future__ import annotations

from c3n_model.streaming.windows import WindowRules
from c3n_model.types import FRAME_OFFSET_NS, NANOSECONDS_PER_SECOND

IMAGE_LEAD_NS = 50_000_000  # awake so long before 15/16 of a second; earlier images are still in DDS then
SOUND_LEAD_NS = 20_000_000  # awake so long before the last message of a window comes, which is taken at once
LONGEST_SOUND_NAP_NS = 125_000_000  # a dozen messages of 10 ms, of the 200 that DDS keeps
SHORTEST_NS = 20_000_000  # a shorter nap costs more than it saves
SETTLED_NS = 2 * NANOSECONDS_PER_SECOND
MAX_DRIFT_NS = 150_000_000  # of stamps against this machine's clock; more than a nap


def image_nap_ns(stamp_ns: int, rules: WindowRules) -> int:
    """Return how long after the image of `stamp_ns` the next one is due that a window may use, 0 if that is soon."""
    until_target_ns = (FRAME_OFFSET_NS - stamp_ns - 1) % rules.hop_ns + 1  # an image exactly at 15/16 is that window's
    return _worthwhile(until_target_ns - IMAGE_LEAD_NS)


def sound_nap_ns(stamp_ns: int, message_ns: int, rules: WindowRules) -> int:
    """Return how long after the message of `stamp_ns` sound may wait in DDS, 0 for not at all. `message_ns`: duration of a message,
    which arrives after its last sample.

    At most a quarter of `max_wait_ns`: by that time a window may close without sound that has not been taken.
    """
    until_end_ns = (-stamp_ns - 1) % rules.hop_ns + 1
    return _worthwhile(min(until_end_ns - message_ns - SOUND_LEAD_NS, LONGEST_SOUND_NAP_NS, rules.max_wait_ns // 4))


class Pace:
    """Whether the stamps of the sound have advanced in real time for two seconds. Not thread safe."""

    def __init__(self) -> None:
        self.stamp_ns: int | None = None  # of the newest message
        self.message_ns = LONGEST_SOUND_NAP_NS  # duration of the newest ones; at first assumed to be long
        self._now_ns = self._first_stamp_ns = self._first_ns = 0

    @property
    def is_real_time(self) -> bool:
        """Whether naps may be derived from stamps."""
        return self.stamp_ns is not None and self._now_ns - self._first_ns >= SETTLED_NS

    def add(self, stamp_ns: int, now_ns: int, messages: int = 1) -> None:
        """Take the stamp of the newest of so many `messages` that were taken at `now_ns` of a steady clock."""
        drift_ns = (stamp_ns - self._first_stamp_ns) - (now_ns - self._first_ns)
        if self.stamp_ns is None or abs(drift_ns) > MAX_DRIFT_NS:
            self._first_stamp_ns, self._first_ns = stamp_ns, now_ns
        else:
            self.message_ns = max((stamp_ns - self.stamp_ns) // messages, 0)
        self.stamp_ns, self._now_ns = stamp_ns, now_ns

    def agrees_with(self, stamp_ns: int) -> bool:
        """Whether another stream's newest stamp is within a second of the sound, so that both are of one clock."""
        return self.stamp_ns is not None and abs(self.stamp_ns - stamp_ns) < NANOSECONDS_PER_SECOND


def _worthwhile(nap_ns: int) -> int:
    return nap_ns if nap_ns >= SHORTEST_NS else 0
