"""The last seconds of sound of a stream, by stamp."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from c3n_model.preprocess import snippet_from_samples
from c3n_model.streaming.sound_runs import JITTER_NS, HeldChunk, Run
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk

# Limits on the sound held at once, so that memory and time per chunk are bounded for any stamps and sample rates.
MAX_CHUNKS, MAX_RATES = 20_000, 4


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

    Memory is bounded. Only stamps matter, not the time or order of arrival. Not thread safe. `gaps` counts the runs that
    follow a gap, since the buffer was created.

    | sound | result |
    |---|---|
    | stamps that are late by up to 50 ms | follow the earliest stamps of their run without a gap |
    | all stamps of half a second late by 20 ms or more, or one by 50 ms | a gap: a new run at the earliest of its own stamps |
    | another rate or number of channels | a new run at its own stamp |
    | overlapping samples held for an earlier stamp | only the new samples are used |
    | a stamp already held, older than the buffer reaches, or no samples | ignored |
    | out of order | sorted by stamp; overlapping chunks less than 50 ms apart stay in order of arrival: a stamp was late |
    | not finite (NaN, infinite) | 0, and not counted as heard |
    """

    def __init__(self, capacity_ns: int = 10 * NANOSECONDS_PER_SECOND):
        self._capacity_ns = capacity_ns
        self._chunks: list[HeldChunk] = []  # sorted by order_ns
        self.gaps = 0
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
        self._longest: HeldChunk | None = None
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
        position = bisect_left(self._chunks, chunk.stamp_ns, key=lambda held: held.order_ns)
        known = position < len(self._chunks) and self._chunks[position].stamp_ns == chunk.stamp_ns
        too_old = self.end_ns is not None and chunk.end_ns < self.end_ns - self._capacity_ns
        if known or too_old or len(chunk.samples) == 0:
            return 0
        finite = np.isfinite(chunk.samples)
        mono = np.where(finite, chunk.samples, 0).mean(axis=1, dtype=np.float32)
        rate, channels = chunk.sample_rate, chunk.samples.shape[1]
        run = Run(chunk.stamp_ns, rate, channels, None, len(mono))
        held = HeldChunk(
            chunk.stamp_ns, chunk.stamp_ns, rate, channels, mono, finite.all(axis=1), run, microphones=chunk.microphones
        )
        while position < len(self._chunks) and self._chunks[position].was_stamped_late(held):
            held.order_ns = self._chunks[position].order_ns + 1
            position += 1
        self._chunks.insert(position, held)
        if self._longest is None or held.duration_ns >= self._longest.duration_ns:
            self._longest = held
        if position == len(self._chunks) - 1:
            self._append_to_runs(position)
        else:
            self._rebuild_runs()
        self.newest_ns = chunk.stamp_ns if self.newest_ns is None else max(chunk.stamp_ns, self.newest_ns)
        end_ns = self._chunks[-1].end_ns
        self.end_ns = end_ns if self.end_ns is None else max(end_ns, self.end_ns)
        self._drop_surplus(chunk.sample_rate, self.end_ns)
        return int(finite.size - np.count_nonzero(finite))

    def _append_to_runs(self, position: int) -> None:
        """Assign the chunk at `position` to a run; those after it have none yet."""
        chunk = self._chunks[position]
        previous = self._chunks[position - 1].run if position else None
        run = Run(chunk.stamp_ns, chunk.rate, chunk.channels, previous, len(chunk.mono))
        chunk.run, chunk.number = run, 0
        followed_gaps = 0  # counted so far, of the runs that are placed again here
        while run.place():
            earlier, moved = run.previous, position
            assert earlier is not None
            while moved >= 0 and self._chunks[moved].run is run:
                self._chunks[moved].run = earlier
                self._chunks[moved].number += earlier.samples
                moved -= 1
            followed_gaps += earlier.follows_gap
            earlier.extend(run)
            run = earlier
        self.gaps += run.follows_gap - followed_gaps

    def _rebuild_runs(self) -> None:
        """Assign all chunks to runs again, from their stamps."""
        runs = {id(chunk.run): chunk.run for chunk in self._chunks}
        self.gaps -= sum(run.follows_gap for run in runs.values())
        for position in range(len(self._chunks)):
            self._append_to_runs(position)

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
        if self._chunks:
            self._chunks[0].run.previous = None  # dropped with its chunks
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
        # This is called for every chunk and every frame, so the cheap test comes first, with a tolerance of 1 ms for rounding.
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

    def read_microphones(self, start_ns: int) -> np.ndarray | None:
        """Return the array's sound in the second from `start_ns`: float32 (rate, m), zero where nothing finite arrived.

        None without an array, or if the rate or the number of microphones changed within the second.
        """
        sound, arrived = None, np.zeros(0, bool)
        for held in self._chunks:
            begin = held.first_index(start_ns)
            first, last = max(begin, 0), min(begin + len(held.mono), held.rate)
            if first >= last or held.microphones is None:
                continue
            shape = (held.rate, held.microphones.shape[1])
            if sound is None:
                sound, arrived = np.zeros(shape, np.float32), np.zeros(held.rate, bool)
            if sound.shape != shape:
                return None
            free = ~arrived[first:last]
            sound[first:last][free] = np.nan_to_num(
                held.microphones[first - begin : last - begin][free], posinf=0, neginf=0
            )
            arrived[first:last] = True
        return sound

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
