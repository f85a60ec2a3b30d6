"""What a stream has brought lately, by stamp: the frames that windows may use, and the sound.

Both buffers are bounded, know no clock but the stamps, and give the same result in whatever order their input came.
They are not locked: one thread at a time.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from c3n_model.preprocess import snippet_from_samples
from c3n_model.types import FRAME_OFFSET_NS, NANOSECONDS_PER_SECOND, AudioChunk, Frame

# Stamps of sound wander by this much without a sample being lost.
JITTER_NS = 20_000_000
# Bounds on the sound held at once, so that memory and time per chunk stay bounded whatever stamps and rates a stream claims.
MAX_PIECES, MAX_RATES = 20_000, 4


class FrameBuffer:
    """Of every window the frame nearest to 15/16 of its second: all that a window can use.

    Keeping one frame a window instead of all bounds a 1080p stream to a few images. A frame belongs to the nearest window
    only, so no image is segmented twice. Of two equally near frames the earlier one stays, of two with one stamp the one that
    came first. Holds the frames of at most `capacity` seconds.
    """

    delay_ns = 0  # how long after its stamp a message may come without being late: a frame comes at once

    def __init__(self, max_skew_ns: int, capacity: int = 10, hop_ns: int = NANOSECONDS_PER_SECOND):
        """`max_skew_ns`: how far from 15/16 a frame may be; ValueError unless it is in [0, half a second)."""
        self.set_grid(hop_ns, max_skew_ns)
        self._capacity = capacity
        self.newest_ns: int | None = None

    def set_grid(self, hop_ns: int, max_skew_ns: int) -> None:
        """Another grid of windows; the frames of the former one are forgotten. Raises ValueError as the constructor."""
        if not 0 <= max_skew_ns < NANOSECONDS_PER_SECOND // 2:
            raise ValueError(f"max_skew_ns must be at least 0 and below half a second, got {max_skew_ns} ns")
        self._hop_ns, self._max_skew_ns = hop_ns, max_skew_ns
        self._frames: dict[int, Frame] = {}  # by number of the window that is theirs

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def end_ns(self) -> int | None:
        """Where the stream has come to."""
        return self.newest_ns

    def add(self, frame: Frame) -> None:
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
        """Whether a frame at or after 15/16 of the second from `start_ns` came, so that no nearer one follows."""
        return self.newest_ns is not None and self.newest_ns >= start_ns + FRAME_OFFSET_NS

    def take(self, start_ns: int) -> Frame | None:
        """The frame of the window from `start_ns` (None if there is none), forgetting it and all of earlier windows."""
        number = start_ns // self._hop_ns
        frame = self._frames.get(number)
        self._frames = {key: kept for key, kept in self._frames.items() if key > number}
        return frame

    def clear(self) -> None:
        """Forget everything."""
        self._frames.clear()
        self.newest_ns = None

    def _skew_ns(self, frame: Frame, number: int) -> int:
        return abs(frame.stamp_ns - number * self._hop_ns - FRAME_OFFSET_NS)


@dataclass
class _Piece:
    """A chunk as the buffer keeps it, mono, and its place in the run of gapless sound it belongs to.

    Sample j of the piece was heard at `anchor_ns` + (`number` + j) / rate. Counting samples from the run's anchor
    keeps the run free of the jitter of stamps and of rounding, however it was cut into chunks.
    """

    stamp_ns: int
    rate: int
    channels: int
    mono: np.ndarray  # float32 (n,), 0 where not finite
    finite: np.ndarray  # bool (n,)
    anchor_ns: int
    number: int = 0

    @property
    def duration_ns(self) -> int:
        return len(self.mono) * NANOSECONDS_PER_SECOND // self.rate

    @property
    def begin_ns(self) -> int:
        return self.anchor_ns + self.number * NANOSECONDS_PER_SECOND // self.rate

    @property
    def end_ns(self) -> int:
        return self.anchor_ns + (self.number + len(self.mono)) * NANOSECONDS_PER_SECOND // self.rate

    def follow(self, previous: _Piece) -> None:
        """Continue the run of `previous` if this is its next sound, else start a run at this chunk's own stamp."""
        same_format = (self.rate, self.channels) == (previous.rate, previous.channels)
        if same_format and abs(self.stamp_ns - previous.end_ns) < JITTER_NS:
            self.anchor_ns, self.number = previous.anchor_ns, previous.number + len(previous.mono)
        else:
            self.anchor_ns, self.number = self.stamp_ns, 0

    def first_index(self, start_ns: int) -> int:
        """Index of this piece's first sample on a grid of its own rate that begins at `start_ns`."""
        doubled = 2 * (self.anchor_ns - start_ns) * self.rate + NANOSECONDS_PER_SECOND
        return doubled // (2 * NANOSECONDS_PER_SECOND) + self.number


@dataclass
class _Canvas:
    """One second of sound at one rate: samples, which of them arrived, and which of those were finite numbers."""

    samples: np.ndarray  # float32 (rate,)
    arrived: np.ndarray  # bool (rate,)
    heard: np.ndarray  # bool (rate,)

    @property
    def rate(self) -> int:
        return len(self.samples)


class AudioBuffer:
    """The last seconds of sound, mono, as runs of gapless samples.

    | sound | what becomes of it |
    |---|---|
    | a chunk within 20 ms of the end of the one before | appended to its run without a gap: stamps jitter |
    | further away, or of another rate or number of channels | a new run, anchored at its own stamp |
    | overlapping what an earlier stamp has already said | only what is new is used |
    | a stamp that is there already, older than the buffer reaches, or no samples | ignored |
    | out of order | sorted, as if it had come in order |
    | not finite (NaN, infinite) | 0, and not counted as heard |
    """

    def __init__(self, capacity_ns: int = 10 * NANOSECONDS_PER_SECOND):
        self._capacity_ns = capacity_ns
        self._pieces: list[_Piece] = []  # by stamp
        self.clear()

    def __len__(self) -> int:
        return len(self._pieces)

    @property
    def delay_ns(self) -> int:
        """Duration of the longest chunk held, at most the capacity: sound comes when its last sample is over."""
        return min(self._longest.duration_ns, self._capacity_ns) if self._longest is not None else 0

    def clear(self) -> None:
        """Forget all sound."""
        self._pieces.clear()
        self._longest: _Piece | None = None
        self._rates: list[int] = []  # of the pieces, the latest used last
        self.newest_ns: int | None = None  # stamp of the newest chunk
        self.end_ns: int | None = None  # where the stream has come to

    def add(self, chunk: AudioChunk) -> int:
        """Insert a chunk at its stamp. Returns how many of its samples (of all channels) were not finite numbers.

        Raises ValueError if the samples are not (n, channels) or the rate is not positive.
        """
        if chunk.samples.ndim != 2 or chunk.samples.shape[1] == 0 or chunk.sample_rate <= 0:
            raise ValueError(
                "an audio chunk must have samples (n, channels) and a positive rate, "
                f"got shape {chunk.samples.shape} at {chunk.sample_rate} Hz"
            )
        place = bisect_left(self._pieces, chunk.stamp_ns, key=lambda piece: piece.stamp_ns)
        known = place < len(self._pieces) and self._pieces[place].stamp_ns == chunk.stamp_ns
        too_old = self.end_ns is not None and chunk.end_ns < self.end_ns - self._capacity_ns
        if known or too_old or len(chunk.samples) == 0:
            return 0
        finite = np.isfinite(chunk.samples)
        mono = np.where(finite, chunk.samples, 0).mean(axis=1, dtype=np.float32)
        piece = _Piece(
            chunk.stamp_ns,
            chunk.sample_rate,
            chunk.samples.shape[1],
            mono,
            finite.all(axis=1),
            anchor_ns=chunk.stamp_ns,
        )
        self._pieces.insert(place, piece)
        if self._longest is None or piece.duration_ns >= self._longest.duration_ns:
            self._longest = piece
        for index in range(max(place, 1), len(self._pieces)):
            self._pieces[index].follow(self._pieces[index - 1])
        self.newest_ns = self._pieces[-1].stamp_ns
        end_ns = self._pieces[-1].end_ns
        self.end_ns = end_ns if self.end_ns is None else max(end_ns, self.end_ns)
        self._drop_surplus(chunk.sample_rate)
        return int(finite.size - np.count_nonzero(finite))

    def _drop_surplus(self, rate: int) -> None:
        """Drop what is beyond the capacity, `MAX_PIECES` or, of the rates used longest ago, `MAX_RATES`."""
        self._rates = [known for known in self._rates if known != rate] + [rate]
        if len(self._rates) > MAX_RATES:
            dropped = self._rates.pop(0)
            self._pieces = [piece for piece in self._pieces if piece.rate != dropped]
            self._longest = None if self._longest.rate == dropped else self._longest
        old_ns = self.end_ns - self._capacity_ns
        while self._pieces and (self._pieces[0].end_ns < old_ns or len(self._pieces) > MAX_PIECES):
            if self._pieces.pop(0) is self._longest:
                self._longest = None
        if self._longest is None:
            self._longest = max(self._pieces, key=lambda piece: piece.duration_ns, default=None)

    def first_ns(self, since_ns: int | None = None) -> int | None:
        """Stamp of the first sample that is held (at or after `since_ns` if given), None if there is none."""
        for piece in self._pieces:
            if since_ns is None:
                return piece.begin_ns
            if piece.end_ns > since_ns:
                return max(piece.begin_ns, since_ns)
        return None

    def is_complete(self, start_ns: int) -> bool:
        """Whether the sound of the second from `start_ns` arrived: to its last sample, with no hole beyond jitter."""
        # The cheap test first, with a millisecond for rounding: this is asked with every chunk and every frame.
        if self.end_ns is None or self.end_ns + 1_000_000 < start_ns + NANOSECONDS_PER_SECOND:
            return False
        canvases = self._canvases(start_ns)
        missing = 1 - sum(np.count_nonzero(canvas.arrived) / canvas.rate for canvas in canvases)
        return any(canvas.arrived[-1] for canvas in canvases) and bool(missing * NANOSECONDS_PER_SECOND < JITTER_NS)

    def read(self, start_ns: int, sample_rate: int) -> tuple[np.ndarray, float]:
        """The second from `start_ns`: float32 (sample_rate,), zero where nothing was heard, and the fraction heard."""
        snippet = np.zeros(sample_rate, dtype=np.float32)
        heard = 0.0
        for canvas in self._canvases(start_ns):
            snippet += snippet_from_samples(canvas.samples[:, None], canvas.rate, sample_rate)
            heard += np.count_nonzero(canvas.heard) / canvas.rate
        return snippet, min(heard, 1.0)

    def _canvases(self, start_ns: int) -> list[_Canvas]:
        """The sound of a second at the rates it came in; one canvas unless the rate changed within the second."""
        canvases: dict[int, _Canvas] = {}
        for piece in self._pieces:
            begin = piece.first_index(start_ns)
            first, last = max(begin, 0), min(begin + len(piece.mono), piece.rate)
            if first >= last:
                continue
            if piece.rate not in canvases:
                canvases[piece.rate] = _Canvas(*(np.zeros(piece.rate, dtype) for dtype in (np.float32, bool, bool)))
            canvas = canvases[piece.rate]
            free = ~canvas.arrived[first:last]
            for other in canvases.values():
                if other is not canvas:
                    free &= ~other.arrived[np.arange(first, last) * other.rate // piece.rate]
            canvas.samples[first:last][free] = piece.mono[first - begin : last - begin][free]
            canvas.heard[first:last][free] = piece.finite[first - begin : last - begin][free]
            canvas.arrived[first:last] |= free
        return list(canvases.values())
