"""The frames of a stream that windows may use, by stamp."""

from __future__ import annotations

from typing import Generic

from c3n_model.types import FRAME_OFFSET_NS, NANOSECONDS_PER_SECOND, StampedT


class FrameBuffer(Generic[StampedT]):
    """Keeps for each window the frame nearest to 15/16 of its second, the only one that the window can use.

    With one frame per window, a 1080p stream needs memory for a few images only. A frame belongs to the nearest window only,
    so no image is segmented twice. Of two equally near frames the earlier one is kept, of two with the same stamp the one that
    arrived first. Holds frames of at most `capacity` seconds. Only stamps matter, not the time or order of arrival. Not
    thread safe. Of a frame only `stamp_ns` is read.
    """

    delay_ns = 0  # how long after its stamp a message may arrive without being late: frames arrive at once

    def __init__(self, max_skew_ns: int, capacity: int = 10, hop_ns: int = NANOSECONDS_PER_SECOND):
        """`max_skew_ns`: maximum distance of a frame from 15/16 of its second; ValueError unless it is in [0, 0.5 s)."""
        self.set_grid(hop_ns, max_skew_ns)
        self._capacity = capacity
        self.newest_ns: int | None = None

    def set_grid(self, hop_ns: int, max_skew_ns: int) -> None:
        """Change the grid of windows and drop all frames. Raises ValueError like the constructor."""
        if not 0 <= max_skew_ns < NANOSECONDS_PER_SECOND // 2:
            raise ValueError(f"max_skew_ns must be at least 0 and below half a second, got {max_skew_ns} ns")
        self._hop_ns, self._max_skew_ns = hop_ns, max_skew_ns
        self._frames: dict[int, StampedT] = {}  # by the number of their window

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def end_ns(self) -> int | None:
        """End of the stream so far."""
        return self.newest_ns

    def add(self, frame: StampedT) -> None:
        """Keep `frame` if it is the nearest of its window so far."""
        self.newest_ns = frame.stamp_ns if self.newest_ns is None else max(self.newest_ns, frame.stamp_ns)
        number = (frame.stamp_ns - FRAME_OFFSET_NS + self._hop_ns // 2) // self._hop_ns
        skew_ns = self._skew_ns(frame, number)
        if skew_ns > self._max_skew_ns:
            return
        kept = self._frames.get(number)
        if kept is None or (skew_ns, frame.stamp_ns) < (self._skew_ns(kept, number), kept.stamp_ns):
            self._frames[number] = frame
        if len(self._frames) > self._capacity * NANOSECONDS_PER_SECOND // self._hop_ns:
            del self._frames[min(self._frames)]

    def is_decided(self, start_ns: int) -> bool:
        """Return whether a frame at or after 15/16 of the second from `start_ns` has arrived, so that no nearer one follows."""
        return self.newest_ns is not None and self.newest_ns >= start_ns + FRAME_OFFSET_NS

    def take(self, start_ns: int) -> StampedT | None:
        """Remove and return the frame of the window from `start_ns`, or None, and drop those of earlier windows."""
        number = start_ns // self._hop_ns
        frame = self._frames.get(number)
        self._frames = {key: kept for key, kept in self._frames.items() if key > number}
        return frame

    def clear(self) -> None:
        """Remove all frames."""
        self._frames.clear()
        self.newest_ns = None

    def _skew_ns(self, frame: StampedT, number: int) -> int:
        return abs(frame.stamp_ns - number * self._hop_ns - FRAME_OFFSET_NS)
