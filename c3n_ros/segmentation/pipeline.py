"""From what arrives to what is published: two threads, and hand-overs at which nobody waits for somebody slower.

    callbacks ─ add ─► queue ─ thread "intake" ─► windows ─ the newest only ─► thread "network" ─► segment, publish

Callbacks append; they convert nothing and wait for no lock. The intake cuts windows, so that a network
that takes seconds delays no sound and leaves no images lying about. The network's thread owns the session and the GPU. What
is too much is dropped and counted: images that the intake has not come to, windows for which the network had no time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue

from c3n_model.streaming.frame_buffer import FrameBuffer
from c3n_model.streaming.windows import StreamCounts, WindowAssembler, WindowRules
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Window
from c3n_ros.health.guard import Guard
from c3n_ros.segmentation.packed import Packed

IMAGES_WAITING, SOUNDS_WAITING = 15, 2000  # half a second at 30 Hz; 20 s of sound in pieces of 10 ms
COMPANION_SKEW_NS = 100_000_000  # how far the stamp of depth may be from its image's
COMPANION_SECONDS = 3  # for so long depth is kept


@dataclass
class Dropped:
    """What was too much, since the pipeline was made."""

    windows: int = 0  # a newer one was ready before the network was
    images: int = 0  # the intake had not come to those before; depth among them
    sounds: int = 0


@dataclass
class _Kind:
    """How much of one kind was put into the queue and taken out. Two threads, and each writes one of the two numbers."""

    most: int
    put: int = 0
    taken: int = 0

    @property
    def waiting(self) -> int:
        return self.put - self.taken


@dataclass(frozen=True)
class PackedWindow:
    """A window whose frame is a `Packed` image, and what else was taken with that image, by name.

    `complete_s` is when its last input came (time.monotonic), `passed_over` how many older windows were dropped for it.
    """

    window: Window
    complete_s: float
    passed_over: int = 0
    companions: dict[str, Packed] = field(default_factory=dict)


class Pipeline:
    """Windows from what arrives, and one at a time through `segment`. It is started once.

    Args:
        assembler: cuts the windows; it belongs to the intake's thread from here on.
        segment: takes a window to its end; what it raises loses that window only.
        guard: runs every item of both threads: images and sound under their topics, windows under "window".
    """

    def __init__(
        self,
        assembler: WindowAssembler,
        segment: Callable[[PackedWindow], None],
        guard: Guard,
    ):
        self._assembler, self._segment, self._guard = assembler, segment, guard
        self.rules: WindowRules = assembler.rules  # may be replaced at any time
        self._queue: SimpleQueue = SimpleQueue()  # Queue and Event wait for a lock that a sleeping thread may hold
        self._images, self._sounds = _Kind(IMAGES_WAITING), _Kind(SOUNDS_WAITING)
        self._companions: dict[str, FrameBuffer] = {}
        self._newest: PackedWindow | None = None
        self._cut = threading.Condition()
        self._started = self._stopping = False
        self._threads = [
            threading.Thread(target=self._run_intake, name="intake"),
            threading.Thread(target=self._run_network, name="network"),
        ]
        self.dropped = Dropped()

    @property
    def counts(self) -> StreamCounts:
        """The assembler's; to be read only."""
        return self._assembler.counts

    @property
    def waiting(self) -> dict[str, int]:
        """How many images, pieces of sound and windows wait just now."""
        windows = int(self._newest is not None)
        return {"images": self._images.waiting, "sounds": self._sounds.waiting, "windows": windows}

    def add_image(self, image: Packed) -> None:
        """Append an image, if not too many wait already."""
        self.dropped.images += not self._append(self._images, image.topic, partial(self._take_image, image))

    def add_companion(self, name: str, companion: Packed) -> None:
        """Append what belongs to the image nearest by its stamp, such as depth, if not too much waits already."""
        take = partial(self._take_companion, name, companion)
        self.dropped.images += not self._append(self._images, companion.topic, take)

    def add_sound(self, unpack: Callable[[], Iterable[AudioChunk]], topic: str = "sound") -> None:
        """Append a piece of sound, if not too much waits already; `unpack` is called in the intake's thread and raises
        where it cannot be read."""
        self.dropped.sounds += not self._append(self._sounds, topic, partial(self._take_sound, unpack))

    @property
    def dead_threads(self) -> list[str]:
        """Names of the threads that ended though nobody stopped them."""
        if not self._started or self._stopping:
            return []
        return [thread.name for thread in self._threads if not thread.is_alive()]

    def _append(self, kind: _Kind, topic: str, take: Callable[[], None]) -> bool:
        if kind.waiting >= kind.most:
            return False
        kind.put += 1
        self._queue.put((kind, topic, take))
        return True

    def start(self) -> None:
        """Start both threads; `stop` must follow."""
        for thread in self._threads:
            thread.start()
        self._started = True

    def stop(self) -> None:
        """Let the window in progress finish, then end both threads, if they were started."""
        with self._cut:
            self._stopping = True
            self._cut.notify()
        self._queue.put(None)
        for thread in filter(threading.Thread.is_alive, self._threads):
            thread.join()

    def _run_intake(self) -> None:
        while (entry := self._queue.get()) is not None and not self._stopping:
            kind, topic, take = entry
            kind.taken += 1
            self._guard.run(topic, self._take, take)

    def _take(self, take: Callable[[], None]) -> None:
        if self.rules is not self._assembler.rules:
            self._assembler.rules = self.rules
            self._companions.clear()
        take()

    def _take_image(self, image: Packed) -> None:
        self._assembler.add_frame(image)
        self._offer(self._assembler.ready())

    def _take_companion(self, name: str, companion: Packed) -> None:
        buffer = self._companion_buffer(name)
        if buffer.newest_ns is not None and companion.stamp_ns < buffer.newest_ns - self.rules.jump_back_ns:
            buffer.clear()  # the clock jumped, as the assembler has it; else stamps far ahead would displace all others
        buffer.add(companion)

    def _take_sound(self, unpack: Callable[[], Iterable[AudioChunk]]) -> None:
        for chunk in unpack():
            self._assembler.add_audio(chunk)
            self._offer(self._assembler.ready())

    def _companion_buffer(self, name: str) -> FrameBuffer:
        """As for images one a window is kept, the nearest to where the window's image should be."""
        if name not in self._companions:
            skew_ns = min(self.rules.max_skew_ns + COMPANION_SKEW_NS, NANOSECONDS_PER_SECOND // 2 - 1)
            self._companions[name] = FrameBuffer(skew_ns, COMPANION_SECONDS, self.rules.hop_ns)
        return self._companions[name]

    def _offer(self, windows: list[Window]) -> None:
        if not windows:
            return
        newest = windows[-1]
        taken = {name: buffer.take(newest.start_ns) for name, buffer in self._companions.items()}
        companions = {
            name: companion
            for name, companion in taken.items()
            if companion and abs(companion.stamp_ns - newest.frame.stamp_ns) <= COMPANION_SKEW_NS
        }
        with self._cut:
            passed_over = len(windows) - 1 + (self._newest.passed_over + 1 if self._newest else 0)
            self.dropped.windows += len(windows) - 1 + (self._newest is not None)
            self._newest = PackedWindow(newest, time.monotonic(), passed_over, companions)
            self._cut.notify()

    def _run_network(self) -> None:
        while True:
            with self._cut:
                self._cut.wait_for(lambda: self._newest is not None or self._stopping)
                if self._stopping:
                    return
                newest, self._newest = self._newest, None
            self._guard.run("window", self._segment, newest)  # out of memory, a lost GPU: the next one may work
