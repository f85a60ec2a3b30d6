"""The last seconds of sound of a stream, by stamp."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from c3n_model.preprocess import snippet_from_samples
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk

# Stamps of sound wander by this much without a sample being lost.
JITTER_NS = 20_000_000
# Bounds on the sound held at once, so that memory and time per chunk stay bounded whatever stamps and rates a stream claims.
MAX_CHUNKS, MAX_RATES = 20_000, 4


@dataclass
class _Chunk:
    """A chunk as the buffer holds it, mono, and its position in the run of gapless sound it belongs to.

    Sample j of the chunk was heard at `anchor_ns` + (`number` + j) / rate. Counting samples from the run's anchor
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

    def follow(self, previous: _Chunk) -> None:
        """Continue the run of `previous` if this is its next sound, else start a run at this chunk's own stamp."""
        same_format = (self.rate, self.channels) == (previous.rate, previous.channels)
        if same_format and abs(self.stamp_ns - previous.end_ns) < JITTER_NS:
            self.anchor_ns, self.number = previous.anchor_ns, previous.number + len(previous.mono)
        else:
            self.anchor_ns, self.number = self.stamp_ns, 0

    def first_index(self, start_ns: int) -> int:
        """Index of this chunk's first sample on a grid at its own rate that begins at `start_ns`."""
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
    """Holds the last seconds of sound, mono, as runs of gapless samples.

    Bounded; knows no clock but the stamps; gives the same result in whatever order its input arrives. Not thread safe.

    | sound | result |
    |---|---|
    | a chunk within 20 ms of the end of the one before | appended to its run without a gap: stamps jitter |
    | further away, or of another rate or number of channels | a new run, anchored at its own stamp |
    | overlapping samples held for an earlier stamp | only the new samples are used |
    | a stamp already held, older than the buffer reaches, or no samples | ignored |
    | out of order | sorted, as if it had come in order |
    | not finite (NaN, infinite) | 0, and not counted as heard |
    """

    def __init__(self, capacity_ns: int = 10 * NANOSECONDS_PER_SECOND):
        self._capacity_ns = capacity_ns
        self._chunks: list[_Chunk] = []  # sorted by stamp
        self.clear()

    def __len__(self) -> int:
        return len(self._chunks)

    @property
    def delay_ns(self) -> int:
        """Duration of the longest chunk held, at most the capacity: a chunk arrives after its last sample."""
        return min(self._longest.duration_ns, self._capacity_ns) if self._longest is not None else 0

    def clear(self) -> None:
        """Remove all sound."""
        self._chunks.clear()
        self._longest: _Chunk | None = None
        self._rates: list[int] = []  # of the chunks held, the most recently used last
        self.newest_ns: int | None = None  # stamp of the newest chunk
        self.end_ns: int | None = None  # end of the stream so far

    def add(self, chunk: AudioChunk) -> int:
        """Insert a chunk at its stamp and return how many of its samples (of all channels) were not finite.

        Raises ValueError if the samples are not (n, channels) or the rate is not positive.
        """
        if chunk.samples.ndim != 2 or chunk.samples.shape[1] == 0 or chunk.sample_rate <= 0:
            raise ValueError(
                "an audio chunk must have samples (n, channels) and a positive rate, "
                f"got shape {chunk.samples.shape} at {chunk.sample_rate} Hz"
            )
        position = bisect_left(self._chunks, chunk.stamp_ns, key=lambda held: held.stamp_ns)
        known = position < len(self._chunks) and self._chunks[position].stamp_ns == chunk.stamp_ns
        too_old = self.end_ns is not None and chunk.end_ns < self.end_ns - self._capacity_ns
        if known or too_old or len(chunk.samples) == 0:
            return 0
        finite = np.isfinite(chunk.samples)
        mono = np.where(finite, chunk.samples, 0).mean(axis=1, dtype=np.float32)
        held = _Chunk(
            chunk.stamp_ns,
            chunk.sample_rate,
            chunk.samples.shape[1],
            mono,
            finite.all(axis=1),
            anchor_ns=chunk.stamp_ns,
        )
        self._chunks.insert(position, held)
        if self._longest is None or held.duration_ns >= self._longest.duration_ns:
            self._longest = held
        for index in range(max(position, 1), len(self._chunks)):
            self._chunks[index].follow(self._chunks[index - 1])
        self.newest_ns = self._chunks[-1].stamp_ns
        end_ns = self._chunks[-1].end_ns
        self.end_ns = end_ns if self.end_ns is None else max(end_ns, self.end_ns)
        self._drop_surplus(chunk.sample_rate, self.end_ns)
        return int(finite.size - np.count_nonzero(finite))

    def _drop_surplus(self, rate: int, newest_end_ns: int) -> None:
        """Drop sound beyond the capacity or `MAX_CHUNKS`, and the least recently used rate beyond `MAX_RATES`."""
        self._rates = [known for known in self._rates if known != rate] + [rate]
        if len(self._rates) > MAX_RATES:
            dropped = self._rates.pop(0)
            self._chunks = [held for held in self._chunks if held.rate != dropped]
            if self._longest is not None and self._longest.rate == dropped:
                self._longest = None
        old_ns = newest_end_ns - self._capacity_ns
        while self._chunks and (self._chunks[0].end_ns < old_ns or len(self._chunks) > MAX_CHUNKS):
            if self._chunks.pop(0) is self._longest:
                self._longest = None
        if self._longest is None:
            self._longest = max(self._chunks, key=lambda held: held.duration_ns, default=None)

    def first_ns(self, since_ns: int | None = None) -> int | None:
        """Return the stamp of the first sample held (at or after `since_ns` if given), or None."""
        for held in self._chunks:
            if since_ns is None:
                return held.begin_ns
            if held.end_ns > since_ns:
                return max(held.begin_ns, since_ns)
        return None

    def is_complete(self, start_ns: int) -> bool:
        """Return whether the sound of the second from `start_ns` arrived to its last sample, with no gap beyond jitter."""
        # The cheap test first, with a millisecond for rounding: this is called for every chunk and every frame.
        if self.end_ns is None or self.end_ns + 1_000_000 < start_ns + NANOSECONDS_PER_SECOND:
            return False
        canvases = self._canvases(start_ns)
        missing = 1 - sum(np.count_nonzero(canvas.arrived) / canvas.rate for canvas in canvases)
        return any(canvas.arrived[-1] for canvas in canvases) and bool(missing * NANOSECONDS_PER_SECOND < JITTER_NS)

    def read(self, start_ns: int, sample_rate: int) -> tuple[np.ndarray, float]:
        """Return the second from `start_ns`: float32 (sample_rate,), zero where nothing was heard, and the fraction heard."""
        snippet = np.zeros(sample_rate, dtype=np.float32)
        heard = 0.0
        for canvas in self._canvases(start_ns):
            snippet += snippet_from_samples(canvas.samples[:, None], canvas.rate, sample_rate)
            heard += np.count_nonzero(canvas.heard) / canvas.rate
        return snippet, min(heard, 1.0)

    def _canvases(self, start_ns: int) -> list[_Canvas]:
        """Return the sound of a second at the rates it arrived in; one canvas unless the rate changed within the second."""
        canvases: dict[int, _Canvas] = {}
        for held in self._chunks:
            begin = held.first_index(start_ns)
            first, last = max(begin, 0), min(begin + len(held.mono), held.rate)
            if first >= last:
                continue
            if held.rate not in canvases:
                canvases[held.rate] = _Canvas(*(np.zeros(held.rate, dtype) for dtype in (np.float32, bool, bool)))
            canvas = canvases[held.rate]
            free = ~canvas.arrived[first:last]
            for other in canvases.values():
                if other is not canvas:
                    free &= ~other.arrived[np.arange(first, last) * other.rate // held.rate]
            canvas.samples[first:last][free] = held.mono[first - begin : last - begin][free]
            canvas.heard[first:last][free] = held.finite[first - begin : last - begin][free]
            canvas.arrived[first:last] |= free
        return list(canvases.values())
