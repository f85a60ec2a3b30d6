"""Process messages in two threads, so that slow inference does not block input.

    callbacks ─ add ─► queue ─ thread "intake" ─► windows ─ the newest only ─► thread "network" ─► segment, publish

Callbacks only append; they do not decode or wait for locks. The intake thread decodes sound and cuts windows, so that a network
that takes seconds neither delays sound nor accumulates images. The network thread owns the session and the GPU. Under overload,
images that the intake has not reached and windows for which the network had no time are dropped and counted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Protocol

from c3n_model.motion.motion_memory import MotionMemory
from c3n_model.streaming.frame_buffer import FrameBuffer
from c3n_model.streaming.windows import StreamCounts, WindowAssembler, WindowRules
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Window
from c3n_ros.health.guard import Guard
from c3n_ros.segmentation.serialized import SerializedMessage

IMAGES_WAITING, SOUNDS_WAITING = 15, 2000  # half a second at 30 Hz; 20 s of sound in messages of 10 ms
COMPANION_SKEW_NS = 100_000_000  # maximum distance between the stamps of depth and image
COMPANION_SECONDS = 3  # how long depth is kept


@dataclass
class Dropped:
    """Numbers of dropped windows and images since the pipeline was created."""

    windows: int = 0  # a newer one was ready before the network was
    images: int = 0  # too many were waiting for the intake; includes depth
    sounds: int = 0


@dataclass
class _Lane:
    """Counts the entries of one kind in the queue. Each number is written by one thread only."""

    capacity: int
    put: int = 0
    taken: int = 0

    @property
    def waiting(self) -> int:
        return self.put - self.taken


@dataclass(frozen=True)
class PendingWindow:
    """A window that waits for the network. Its frame is a serialized image; `companions` are depth and points that belong to it.

    `complete_s` is when its last input arrived (time.monotonic), `passed_over` how many older windows were dropped for it,
    `dropped_windows` how many were dropped so far in all.
    """

    window: Window[SerializedMessage]
    complete_s: float
    passed_over: int = 0
    dropped_windows: int = 0
    companions: dict[str, SerializedMessage] = field(default_factory=dict)


class Sound(Protocol):
    """A message that the intake thread converts to sound. `chunks` raises an exception if it cannot be decoded."""

    @property
    def topic(self) -> str: ...

    def chunks(self) -> Iterable[AudioChunk]: ...


@dataclass(frozen=True)
class _Entry:
    """An item in the queue, and the pipeline's method that takes it in the intake thread."""

    lane: _Lane
    topic: str
    take: Callable[..., None]
    arguments: tuple[Any, ...]


class Pipeline:
    """Cuts windows from arriving messages and hands them on one at a time. Can be started once.

    Args:
        assembler: cuts the windows; owned by the intake thread from here on.
        guard: runs every item of both threads: images and sound under their topics, windows under "window".
        motion: gets the images that it wants, in the intake thread, before a window is cut with them; None if nothing does.
    """

    def __init__(self, assembler: WindowAssembler[SerializedMessage], guard: Guard, motion: MotionMemory | None = None):
        self._assembler, self._guard, self._motion = assembler, guard, motion
        self.rules: WindowRules = assembler.rules  # may be replaced at any time
        self._queue: SimpleQueue[_Entry | None] = (
            SimpleQueue()
        )  # Queue and Event wait for a lock that a sleeping thread may hold
        self._images, self._sounds = _Lane(IMAGES_WAITING), _Lane(SOUNDS_WAITING)
        self._companions: dict[str, FrameBuffer[SerializedMessage]] = {}
        self._newest: PendingWindow | None = None
        self._cut = threading.Condition()
        self._started = self._stopping = False
        self._threads: list[threading.Thread] = []
        self.dropped = Dropped()

    @property
    def counts(self) -> StreamCounts:
        """The assembler's counts; read only."""
        return self._assembler.counts

    @property
    def waiting(self) -> dict[str, int]:
        """How many images, sound messages and windows are waiting."""
        windows = int(self._newest is not None)
        return {"images": self._images.waiting, "sounds": self._sounds.waiting, "windows": windows}

    def add_image(self, image: SerializedMessage) -> None:
        """Append an image, unless too many are waiting."""
        self.dropped.images += not self._append(self._images, image.topic, self._take_image, image)

    def add_companion(self, name: str, companion: SerializedMessage) -> None:
        """Append a message that belongs to the image with the nearest stamp, such as depth, unless too many are waiting."""
        self.dropped.images += not self._append(self._images, companion.topic, self._take_companion, name, companion)

    def add_sound(self, sound: Sound) -> None:
        """Append sound, unless too much is waiting."""
        self.dropped.sounds += not self._append(self._sounds, sound.topic, self._take_sound, sound)

    @property
    def dead_threads(self) -> list[str]:
        """Names of the threads that ended without `stop`."""
        if not self._started or self._stopping:
            return []
        return [thread.name for thread in self._threads if not thread.is_alive()]

    def _append(self, lane: _Lane, topic: str, take: Callable[..., None], *arguments: Any) -> bool:
        if lane.waiting >= lane.capacity:
            return False
        lane.put += 1
        self._queue.put(_Entry(lane, topic, take, arguments))
        return True

    def start(self, segment: Callable[[PendingWindow], None]) -> None:
        """Start both threads; `stop` must follow. `segment` processes a window in the network thread; an exception that it
        raises costs that window only."""
        self._threads = [
            threading.Thread(target=self._run_intake, name="intake"),
            threading.Thread(target=self._run_network, name="network", args=(segment,)),
        ]
        for thread in self._threads:
            thread.start()
        self._started = True

    def stop(self) -> None:
        """Finish the window in progress, then end both threads, if they were started."""
        with self._cut:
            self._stopping = True
            self._cut.notify()
        self._queue.put(None)
        for thread in filter(threading.Thread.is_alive, self._threads):
            thread.join()

    def _run_intake(self) -> None:
        while (entry := self._queue.get()) is not None and not self._stopping:
            entry.lane.taken += 1
            self._guard.run(entry.topic, self._take, entry)

    def _take(self, entry: _Entry) -> None:
        if self.rules is not self._assembler.rules:
            self._assembler.rules = self.rules
            self._companions.clear()
        entry.take(*entry.arguments)

    def _take_image(self, image: SerializedMessage) -> None:
        motion = self._motion
        if motion is not None and motion.wants(image.stamp_ns):
            self._guard.run("motion", lambda: motion.add(image.decode()))
        self._assembler.add_frame(image)
        self._offer(self._assembler.ready())

    def _take_companion(self, name: str, companion: SerializedMessage) -> None:
        buffer = self._companion_buffer(name)
        if buffer.newest_ns is not None and companion.stamp_ns < buffer.newest_ns - self.rules.jump_back_ns:
            buffer.clear()  # the clock jumped, by the assembler's rule; otherwise stamps far ahead would displace all others
        buffer.add(companion)

    def _take_sound(self, sound: Sound) -> None:
        for chunk in sound.chunks():
            self._assembler.add_audio(chunk)
            self._offer(self._assembler.ready())

    def _companion_buffer(self, name: str) -> FrameBuffer[SerializedMessage]:
        """Return the buffer of a companion: like images, one per window, the nearest to where the window's image should be."""
        if name not in self._companions:
            skew_ns = min(self.rules.max_skew_ns + COMPANION_SKEW_NS, NANOSECONDS_PER_SECOND // 2 - 1)
            self._companions[name] = FrameBuffer(skew_ns, COMPANION_SECONDS, self.rules.hop_ns)
        return self._companions[name]

    def _offer(self, windows: list[Window[SerializedMessage]]) -> None:
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
            self._newest = PendingWindow(newest, time.monotonic(), passed_over, self.dropped.windows, companions)
            self._cut.notify()

    def _run_network(self, segment: Callable[[PendingWindow], None]) -> None:
        while True:
            with self._cut:
                self._cut.wait_for(lambda: self._newest is not None or self._stopping)
                if self._stopping:
                    return
                newest, self._newest = self._newest, None
            self._guard.run("window", segment, newest)  # out of memory, a lost GPU: the next one may work
