"""Two streams in, one-second windows out, decided by stamps alone: no threads, no wall clock, no arrival order.

| what | result |
|---|---|
| the grid | window k is one second of the stamps from k `hop_ns` on, so runs that start at different times cut the same |
| the hop | a second; a shorter one gives windows that overlap, and at most as many as there are frames |
| the first window | the first of the grid whose sound is held from its beginning (to 20 ms) |
| the first of a file (`from_start`) | the one in which sound begins: nothing was missed before |
| its frame | the one nearest to 15/16 of its second (where AVSBench took its pictures), at most `max_skew_ns` away |
| it closes | when its sound is complete and a frame at or after 15/16 came |
| something is missing | when one of the streams is `max_wait_ns` past its end it closes with what there is |
| no frame near enough | skipped, counted in `skipped_no_frame` |
| less than `min_heard` of the second was heard | skipped, counted in `skipped_no_sound`; above that, the rest is zero |
| late: for a closed window | dropped, counted |
| out of order, overlapping, repeated, other rate or channels, not finite | see the buffers; a window may wait for it |
| a stamp `jump_back_ns` older than the newest of its stream | the clock jumped (a looping bag): see `_follow_clock` |
| a stamp far ahead | windows without sound are passed over; more than the buffers hold is a clock jump |
| the streams end (`finish`) | nothing is waited for; a tail shorter than `min_heard` is no window |

A chunk of sound comes when its last sample is over, so sound is overdue one chunk later than a frame would be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from c3n_model.streaming.audio_buffer import JITTER_NS, AudioBuffer
from c3n_model.streaming.frame_buffer import FrameBuffer
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, StampedT, Window


@dataclass
class StreamCounts:
    """What came in, what went out and what did not, since the assembler was made."""

    frames: int = 0
    chunks: int = 0
    windows: int = 0
    skipped_no_frame: int = 0  # windows
    skipped_no_sound: int = 0  # windows
    late_frames: int = 0
    late_chunks: int = 0
    gaps: int = 0  # in the sound; stamps that are merely late are none
    clock_jumps: int = 0
    bad_samples: int = 0  # not finite


@dataclass(frozen=True)
class WindowRules:
    """When windows begin and what they wait for; see the module's table.

    Raises ValueError for a hop that is no whole part of a second or below a tenth of it, or a `min_heard` outside (0, 1].
    """

    hop_ns: int = NANOSECONDS_PER_SECOND
    max_skew_ns: int = 150_000_000
    max_wait_ns: int = 500_000_000
    min_heard: float = 0.5
    jump_back_ns: int = 2 * NANOSECONDS_PER_SECOND

    def __post_init__(self):
        shortest_ns = NANOSECONDS_PER_SECOND // 10
        if not shortest_ns <= self.hop_ns <= NANOSECONDS_PER_SECOND or NANOSECONDS_PER_SECOND % self.hop_ns:
            raise ValueError(
                f"a hop must be 1, 0.5, 0.25, 0.2, 0.125 or 0.1 s, so that windows lie on whole seconds too; "
                f"got {self.hop_ns / NANOSECONDS_PER_SECOND} s"
            )
        if not 0 < self.min_heard <= 1:
            raise ValueError(f"min_heard must be in (0, 1], got {self.min_heard}")


class WindowAssembler(Generic[StampedT]):
    """Cuts windows from a stream of frames and a stream of sound; the module's table is its contract.

    Generic over what carries a frame's stamp: frames go through unread, so an image can be decoded after its window is cut.

    Feed it with `add_frame` and `add_audio` and collect with `ready` after each. Not locked: one thread at a time.
    Memory is bounded: `capacity` seconds of sound and as many frames.
    """

    def __init__(
        self, sample_rate: int, *, rules: WindowRules = WindowRules(), capacity: int = 10, from_start: bool = False
    ):
        """`sample_rate` of the snippets in Hz; `capacity` in whole seconds, at least 2; `from_start`: the streams come
        from their very beginning, so no sound was missed before the first. Raises ValueError."""
        if sample_rate <= 0 or capacity < 2:
            raise ValueError(
                f"sample_rate must be positive and capacity at least 2 s, got {sample_rate} Hz and {capacity} s"
            )
        self._sample_rate = sample_rate
        self._rules = rules
        self._capacity = capacity
        self._from_start = from_start
        self._frames: FrameBuffer[StampedT] = FrameBuffer(rules.max_skew_ns, capacity, rules.hop_ns)
        self._audio = AudioBuffer(capacity * NANOSECONDS_PER_SECOND)
        self._next_ns: int | None = None  # start of the oldest window that is not closed; None before the first
        self._behind: FrameBuffer | AudioBuffer | None = None  # the stream that has not yet followed a jump
        self.counts = StreamCounts()

    @property
    def rules(self) -> WindowRules:
        """May be replaced between two calls: what is buffered stays, but for frames if the hop or the skew changes."""
        return self._rules

    @rules.setter
    def rules(self, rules: WindowRules) -> None:
        if (rules.hop_ns, rules.max_skew_ns) != (self._rules.hop_ns, self._rules.max_skew_ns):
            self._frames.set_grid(rules.hop_ns, rules.max_skew_ns)
        self._rules = rules
        if self._next_ns is not None:
            self._next_ns = self._ceil_to_hop(self._next_ns)

    def add_frame(self, frame: StampedT) -> None:
        """Add one image. Nothing but its `stamp_ns` is read."""
        self.counts.frames += 1
        newest = self._frames.newest_ns
        left_over = not self._follow_clock(frame.stamp_ns, self._frames, self._audio)
        closed = newest is not None and frame.stamp_ns < newest and self._is_closed(frame.stamp_ns)
        if left_over or closed:
            self.counts.late_frames += 1
        else:
            self._frames.add(frame)

    def add_audio(self, chunk: AudioChunk) -> None:
        """Take one run of sound. Raises ValueError if it is not (n, channels) at a positive rate."""
        self.counts.chunks += 1
        left_over = not self._follow_clock(chunk.stamp_ns, self._audio, self._frames)
        if left_over or self._is_closed(chunk.end_ns - 1):
            self.counts.late_chunks += 1
            return
        self.counts.bad_samples += self._audio.add(chunk)
        self.counts.gaps = self._audio.gaps

    def ready(self) -> list[Window[StampedT]]:
        """The windows that have closed since the last call, in order."""
        return self._close(ended=False)

    def finish(self) -> list[Window[StampedT]]:
        """The last windows of streams that ended: nothing is waited for any more."""
        return self._close(ended=True)

    def _close(self, ended: bool) -> list[Window[StampedT]]:
        windows = []
        while (start_ns := self._next_start(ended)) is not None:
            complete = self._audio.is_complete(start_ns) and self._frames.is_decided(start_ns)
            heard_to_ns = self._audio.end_ns or 0
            if ended and heard_to_ns < start_ns + self._rules.min_heard * NANOSECONDS_PER_SECOND:
                break  # a tail that is no window
            if not (complete or ended or self._is_overdue(start_ns)):
                break
            self._next_ns = start_ns + self._rules.hop_ns
            window = self._cut(start_ns)
            if window is not None:
                windows.append(window)
        return windows

    def _next_start(self, ended: bool) -> int | None:
        """Start of the next window that may have sound; passes over the seconds that will have none."""
        if self._next_ns is None:
            first_ns = self._audio.first_ns()
            if first_ns is not None and self._from_start:
                return first_ns // self._rules.hop_ns * self._rules.hop_ns
            return None if first_ns is None else self._ceil_to_hop(first_ns - JITTER_NS)
        overdue = self._is_overdue(self._next_ns)
        if overdue or ended:
            sound_ns = self._audio.first_ns(self._next_ns)
            newest_ns = self._frames.newest_ns
            if sound_ns is None and overdue and newest_ns is not None:  # by frames: no sound before the newest overdue
                sound_ns = newest_ns - self._rules.max_wait_ns - self._audio.delay_ns
            if sound_ns is not None:
                self._skip_to(max(self._next_ns, self._first_to_hear(sound_ns)))
        return self._next_ns

    def _skip_to(self, start_ns: int) -> None:
        assert self._next_ns is not None
        silent_ns = start_ns - self._next_ns
        if silent_ns > self._capacity * NANOSECONDS_PER_SECOND:
            self.counts.clock_jumps += 1
        else:
            self.counts.skipped_no_sound += silent_ns // self._rules.hop_ns
        self._next_ns = start_ns

    def _first_to_hear(self, sound_ns: int) -> int:
        """Start of the first window whose second is not over before a stamp."""
        return (sound_ns - NANOSECONDS_PER_SECOND) // self._rules.hop_ns * self._rules.hop_ns + self._rules.hop_ns

    def _ceil_to_hop(self, stamp_ns: int) -> int:
        return -(-stamp_ns // self._rules.hop_ns) * self._rules.hop_ns

    def _is_overdue(self, start_ns: int) -> bool:
        """Whether a stream is so far past the window that nothing more is to be expected for it."""
        limit_ns = start_ns + NANOSECONDS_PER_SECOND + self._rules.max_wait_ns
        by_sound = self._audio.newest_ns is not None and self._audio.newest_ns >= limit_ns
        by_frames = self._frames.newest_ns is not None and self._frames.newest_ns >= limit_ns + self._audio.delay_ns
        return by_sound or by_frames

    def _cut(self, start_ns: int) -> Window[StampedT] | None:
        frame = self._frames.take(start_ns)
        snippet, heard = self._audio.read(start_ns, self._sample_rate)
        if heard < self._rules.min_heard:
            self.counts.skipped_no_sound += 1
            return None
        if frame is None:
            self.counts.skipped_no_frame += 1
            return None
        self.counts.windows += 1
        return Window(start_ns, frame, snippet, heard)

    def _is_closed(self, stamp_ns: int) -> bool:
        return self._next_ns is not None and stamp_ns < self._next_ns

    def _follow_clock(self, stamp_ns: int, own: FrameBuffer | AudioBuffer, other: FrameBuffer | AudioBuffer) -> bool:
        """Notice that the clock of a stream jumped back; False for what is left over from before the jump.

        The stream that jumps first is emptied and windows start anew. If the other one is still ahead, it is emptied
        too, and what it brings counts as late until it follows.
        """
        if own.newest_ns is not None and stamp_ns < own.newest_ns - self._rules.jump_back_ns:
            self.counts.clock_jumps += 1
            self._next_ns = None
            own.clear()
            self._behind = None
            if other.end_ns is not None and other.end_ns > stamp_ns + self._rules.jump_back_ns:
                other.clear()
                self._behind = other
        elif own is self._behind and other.end_ns is not None:
            if stamp_ns > other.end_ns + self._rules.jump_back_ns + other.delay_ns:
                return False
            self._behind = None
        return True
