"""Runs of gapless sound, from chunks whose stamps may be late. Used by `audio_buffer`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from c3n_model.types import NANOSECONDS_PER_SECOND

# A gap in the stamps below JITTER_NS is closed. A gap up to MAX_LATENESS_NS may come from stamps taken in a delayed callback:
# it counts as a gap only if all of the CONVINCING_NS of sound after it are late by as much.
JITTER_NS, MAX_LATENESS_NS, CONVINCING_NS = 20_000_000, 50_000_000, NANOSECONDS_PER_SECOND // 2


@dataclass(eq=False)
class Run:
    """Sound without a gap. Sample j was recorded at `placed_ns` + j / rate, however the run was cut into chunks.

    `anchor_ns` is the earliest time of sample 0 by any stamp in the run: stamps are late, never early. `placed_ns` is the same,
    or the end of the previous run as long as this one may only be late.
    """

    anchor_ns: int
    rate: int
    channels: int
    previous: Run | None
    samples: int
    placed_ns: int = 0
    follows_gap: bool = False

    @property
    def end_ns(self) -> int:
        """Time after the last sample."""
        return self.placed_ns + self.samples * NANOSECONDS_PER_SECOND // self.rate

    def place(self) -> bool:
        """Set `placed_ns` after the previous run, and return whether this run continues it."""
        self.placed_ns, self.follows_gap = self.anchor_ns, False
        if self.previous is None:
            return False
        by_stamp_ns = self.previous.end_ns - self.previous.placed_ns + self.previous.anchor_ns
        late_ns = self.anchor_ns - self.previous.end_ns
        self.follows_gap = late_ns > JITTER_NS
        if (self.rate, self.channels) != (self.previous.rate, self.previous.channels):
            return False
        if -MAX_LATENESS_NS < self.anchor_ns - by_stamp_ns < JITTER_NS:
            return True
        is_convincing = self.samples * NANOSECONDS_PER_SECOND >= CONVINCING_NS * self.rate
        if JITTER_NS <= late_ns < MAX_LATENESS_NS and not is_convincing:
            self.placed_ns, self.follows_gap = self.previous.end_ns, False
        return False

    def extend(self, later: Run) -> None:
        """Append the samples of `later`, whose stamps may show that this run began earlier."""
        before_ns = self.samples * NANOSECONDS_PER_SECOND // self.rate
        self.anchor_ns = min(self.anchor_ns, later.anchor_ns - before_ns)
        self.samples += later.samples


@dataclass(eq=False)
class HeldChunk:
    """A chunk held by the buffer, mono, with the microphones (n, m) of an array if there is one; `number` is the index of its first
    sample in its run."""

    stamp_ns: int
    order_ns: int  # sort key: later than the stamp if the chunk arrived after one with a late stamp
    rate: int
    channels: int
    mono: np.ndarray  # float32 (n,), 0 where not finite
    finite: np.ndarray  # bool (n,)
    run: Run
    number: int = 0
    microphones: np.ndarray | None = None

    @property
    def duration_ns(self) -> int:
        """Length of the chunk."""
        return len(self.mono) * NANOSECONDS_PER_SECOND // self.rate

    @property
    def begin_ns(self) -> int:
        """Time of the first sample."""
        return self.run.placed_ns + self.number * NANOSECONDS_PER_SECOND // self.rate

    @property
    def end_ns(self) -> int:
        """Time after the last sample."""
        return self.run.placed_ns + (self.number + len(self.mono)) * NANOSECONDS_PER_SECOND // self.rate

    def first_index(self, start_ns: int) -> int:
        """Return the index of this chunk's first sample on a grid at its own rate that begins at `start_ns`."""
        doubled = 2 * (self.run.placed_ns - start_ns) * self.rate + NANOSECONDS_PER_SECOND
        return doubled // (2 * NANOSECONDS_PER_SECOND) + self.number

    def was_stamped_late(self, later: HeldChunk) -> bool:
        """Return whether this chunk's stamp was late, since `later` arrived after it with a slightly earlier stamp."""
        hidden_ns = self.stamp_ns - later.stamp_ns
        same_format = (self.rate, self.channels) == (later.rate, later.channels)
        return same_format and 0 < hidden_ns < min(later.duration_ns, MAX_LATENESS_NS)
