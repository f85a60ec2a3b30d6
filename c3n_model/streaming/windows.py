"""Cut a stream of frames and a stream of sound into one-second windows, by stamps alone: threads, the wall clock and the order
of arrival have no effect.

| case | result |
|---|---|
| grid | window k is the second of stamps from k `hop_ns` on, so recordings started at different times give the same windows |
| hop | one second; a shorter one gives overlapping windows, at most as many as there are frames |
| first window | the first of the grid whose sound is available from its beginning (to 20 ms) |
| first window of a file (`from_start`) | the one in which sound begins, because nothing was missed before |
| frame of a window | the one nearest to 15/16 of the second (where AVSBench took its images), at most `max_skew_ns` away |
| a window closes | when its sound is complete and a frame at or after 15/16 has arrived |
| something is missing | once a stream is `max_wait_ns` past the end of the window, it closes with the input so far |
| no frame near enough | skipped, counted in `skipped_no_frame` |
| less than `min_heard` of the second arrived | skipped, counted in `skipped_no_sound`; above that, missing sound is zero |
| input for a closed window (late) | dropped, counted |
| out of order, overlapping, repeated, another rate or number of channels, not finite | see the buffers; a window may wait for it |
| a stamp `jump_back_ns` older than the newest of its stream | the clock jumped (a looping bag): see `_follow_clock` |
| a stamp far ahead | windows without sound are skipped; a gap longer than the buffers is a clock jump |
| the streams end (`finish`) | all windows close; a rest shorter than `min_heard` gives no window |

A chunk of sound arrives after its last sample, so sound is overdue one chunk later than a frame would be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from c3n_model.streaming.audio_buffer import JITTER_NS, AudioBuffer
from c3n_model.streaming.frame_buffer import FrameBuffer
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, StampedT, Window


@dataclass
class StreamCounts:
    """Numbers of inputs, of windows, and of dropped inputs and skipped windows, since the assembler was created."""

    frames: int = 0
    chunks: int = 0
    windows: int = 0
    skipped_no_frame: int = 0  # windows
    skipped_no_sound: int = 0  # windows
    late_frames: int = 0
    late_chunks: int = 0
    gaps: int = 0  # in the sound; late stamps are not gaps
    clock_jumps: int = 0
    bad_samples: int = 0  # not finite


@dataclass(frozen=True)
class WindowRules:
    """When windows begin and how long they wait; see the module's table.

    Raises ValueError for a hop that does not divide a second or is below 0.1 s, or a `min_heard` outside (0, 1].
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
                "the hop must be 1, 0.5, 0.25, 0.2, 0.125 or 0.1 s, so that it divides a second; "
                f"got {self.hop_ns / NANOSECONDS_PER_SECOND} s"
            )
        if not 0 < self.min_heard <= 1:
            raise ValueError(f"min_heard must be in (0, 1], got {self.min_heard}")


class WindowAssembler(Generic[StampedT]):
    """Cuts windows from a stream of frames and a stream of sound, as defined by the module's table.

    Generic over the type of a frame: only its stamp is read, so an image can be decoded after its window is cut.

    Call `ready` after each `add_frame` and `add_audio`. Not thread safe. Memory is bounded: `capacity` seconds of sound and as
    many frames.
    """

    def __init__(
        self, sample_rate: int, *, rules: WindowRules = WindowRules(), capacity: int = 10, from_start: bool = False
    ):
        """`sample_rate` of the snippets in Hz; `capacity` in whole seconds, at least 2; `from_start`: the streams are
        complete from their beginning. Raises ValueError for a rate or capacity out of range."""
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
        """The rules. They may be replaced between two calls; frames in the buffer are dropped if the hop or the skew changes."""
        return self._rules

    @rules.setter
    def rules(self, rules: WindowRules) -> None:
        if (rules.hop_ns, rules.max_skew_ns) != (self._rules.hop_ns, self._rules.max_skew_ns):
            self._frames.set_grid(rules.hop_ns, rules.max_skew_ns)
        self._rules = rules
        if self._next_ns is not None:
            self._next_ns = self._ceil_to_hop(self._next_ns)

    def add_frame(self, frame: StampedT) -> None:
        """Add one frame. Only its `stamp_ns` is read."""
        self.counts.frames += 1
        newest = self._frames.newest_ns
        left_over = not self._follow_clock(frame.stamp_ns, self._frames, self._audio)
        closed = newest is not None and frame.stamp_ns < newest and self._is_closed(frame.stamp_ns)
        if left_over or closed:
            self.counts.late_frames += 1
        else:
            self._frames.add(frame)

    def add_audio(self, chunk: AudioChunk) -> None:
        """Add one chunk of sound. Raises ValueError if it is not (n, channels) at a positive rate."""
        self.counts.chunks += 1
        left_over = not self._follow_clock(chunk.stamp_ns, self._audio, self._frames)
        if left_over or self._is_closed(chunk.end_ns - 1):
            self.counts.late_chunks += 1
            return
        self.counts.bad_samples += self._audio.add(chunk)
        self.counts.gaps = self._audio.gaps

    def ready(self) -> list[Window[StampedT]]:
        """Return the windows that have closed since the last call, in order."""
        return self._close(ended=False)

    def finish(self) -> list[Window[StampedT]]:
        """Return the last windows of streams that have ended, without waiting for more input."""
        return self._close(ended=True)

    def _close(self, ended: bool) -> list[Window[StampedT]]:
        windows = []
        while (start_ns := self._next_start(ended)) is not None:
            complete = self._audio.is_complete(start_ns) and self._frames.is_decided(start_ns)
            heard_to_ns = self._audio.end_ns or 0
            if ended and heard_to_ns < start_ns + self._rules.min_heard * NANOSECONDS_PER_SECOND:
                break  # the rest is too short for a window
            if not (complete or ended or self._is_overdue(start_ns)):
                break
            self._next_ns = start_ns + self._rules.hop_ns
            window = self._cut(start_ns)
            if window is not None:
                windows.append(window)
        return windows

    def _next_start(self, ended: bool) -> int | None:
        """Return the start of the next window that may have sound; skips the seconds without sound."""
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
        """Return the start of the first window that ends after a stamp."""
        return (sound_ns - NANOSECONDS_PER_SECOND) // self._rules.hop_ns * self._rules.hop_ns + self._rules.hop_ns

    def _ceil_to_hop(self, stamp_ns: int) -> int:
        return -(-stamp_ns // self._rules.hop_ns) * self._rules.hop_ns

    def _is_overdue(self, start_ns: int) -> bool:
        """Return whether a stream is so far past the window that no more input is expected for it."""
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
        return Window(start_ns, frame, snippet, heard, self._audio.read_microphones(start_ns))

    def _is_closed(self, stamp_ns: int) -> bool:
        return self._next_ns is not None and stamp_ns < self._next_ns

    def _follow_clock(self, stamp_ns: int, own: FrameBuffer | AudioBuffer, other: FrameBuffer | AudioBuffer) -> bool:
        """Detect that the clock of a stream jumped back. Returns False for input from before the jump.

        The buffer of the stream that jumps first is cleared and windows start again. If the other stream is still ahead, its
        buffer is cleared too, and its input counts as late until it has jumped as well.
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
