"""The work behind a live view: feeds push frames and sound, one thread steps the session, a page asks for what became of it.

feeds ─ push ─► windows ─ the newest only ─► thread "network" ─► session ─► seconds, masks
           └──► the last 30 s, the shown picture, the level
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace

from c3n_model.live.last_seconds import PICTURES_PER_S, LastSeconds
from c3n_model.live.screen import Screen
from c3n_model.live.settings import Settings
from c3n_model.model import Model
from c3n_model.motion.motion_memory import MotionMemory
from c3n_model.presence import loudness_dbfs
from c3n_model.streaming.class_filter import known_classes, only_classes
from c3n_model.streaming.explain import Evidence, newest_evidence
from c3n_model.streaming.session import Session
from c3n_model.streaming.several_sources import allow_sources
from c3n_model.streaming.windows import WindowAssembler
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame, Segmentation, Window

TIMELINE_S = 60
QUIET_DBFS = -120.0
DEFAULTS = Settings()
_LEVEL_OLD_S = 0.5  # without sound for so long the level is none


@dataclass(frozen=True)
class Second:
    """What one window became; `took_s` is how long the network worked on it.

    `evidence`: None for an exported model; `motion_cause`: why the decision of motion is "unclear", else "".
    """

    number: int
    segmentation: Segmentation
    evidence: Evidence | None
    took_s: float
    motion_cause: str = ""


@dataclass
class Counts:
    """What came in and what was dropped, because a newer window was ready first."""

    frames: int = 0
    chunks: int = 0
    windows: int = 0
    dropped_windows: int = 0


@dataclass
class Level:
    """Level of the newest sound [dBFS] and when it arrived [s, monotonic]."""

    dbfs: float = QUIET_DBFS
    arrived_s: float = field(default=-1e9)


class Engine:
    """Frames and sound in by `push`, from any thread; `run` steps the session in one thread.

    Args:
        model, device: as for a Session.
        settings: at the start.
    Raises:
        ValueError: as Session.
    """

    def __init__(self, model: Model, device: str = "auto", settings: Settings = DEFAULTS):
        self._session = Session(
            model, device, threshold=settings.threshold, max_sources=settings.max_sources, keep_evidence=True
        )
        self._motion = MotionMemory()
        self.labels = tuple(sorted({*model.audio_labels, *model.visual_labels}))
        self.note = model.card.get("note", "")
        self.last_seconds = LastSeconds()
        self.screen = Screen(self.last_seconds)
        self.counts, self.problem = Counts(), ""
        self.timeline: deque[Second] = deque(maxlen=TIMELINE_S)
        self._level = Level()
        self._settings = settings
        self._assembler: WindowAssembler[Frame] = WindowAssembler(model.sample_rate)
        self._newest: Window[Frame] | None = None
        self._kept_ns = 0  # stamp of the last frame that was kept
        self._cut = threading.Condition()

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings

    def change(
        self, *, threshold: float | None = None, classes: list[str] | None = None, max_sources: int | None = None,
        compare_motion: bool | None = None,
    ) -> Settings:  # fmt: skip
        """Change settings from the next second on. Raises ValueError for a wrong value, or for more sources than the model names;
        then nothing is changed."""
        known = None if classes is None else known_classes(classes, self.labels)
        given = {
            "threshold": threshold,
            "classes": known,
            "max_sources": max_sources,
            "compare_motion": compare_motion,
        }
        settings = replace(self._settings, **{name: value for name, value in given.items() if value is not None})
        allow_sources(self._session.network, settings.max_sources, exported=self._session.is_exported)
        self._settings = settings
        return settings

    def level_dbfs(self) -> float:
        """Level of the sound right now, QUIET_DBFS if none arrives."""
        level = self._level
        return level.dbfs if time.monotonic() - level.arrived_s < _LEVEL_OLD_S else QUIET_DBFS

    def push(self, item: Frame | AudioChunk) -> None:
        """Take a frame or a chunk of sound. Frames come from one thread. Raises ValueError for sound that cannot be."""
        if isinstance(item, Frame):
            self._keep(item)
            if self._settings.compare_motion:
                self._motion.see(item)
        else:
            self.last_seconds.add_sound(item)
            self._level = Level(loudness_dbfs(item.samples), time.monotonic())
        with self._cut:
            if isinstance(item, Frame):
                self.counts.frames += 1
                self._assembler.add_frame(item)
            else:
                self.counts.chunks += 1
                self._assembler.add_audio(item)
            windows = self._assembler.ready()
            if windows:
                self.counts.dropped_windows += len(windows) - 1 + (self._newest is not None)
                self._newest = windows[-1]
                self._cut.notify()

    def _keep(self, frame: Frame) -> None:
        since_ns = frame.stamp_ns - self._kept_ns
        if 0 <= since_ns < 0.9 * NANOSECONDS_PER_SECOND / PICTURES_PER_S:
            return
        self._kept_ns = frame.stamp_ns
        self.last_seconds.add_frame(frame)

    def run(self, stop: threading.Event) -> None:
        """Segment windows until `stop` is set."""
        while not stop.is_set():
            with self._cut:
                if self._newest is None:
                    self._cut.wait(0.1)
                window, self._newest = self._newest, None
            if window is not None:
                self._step(window)

    def _step(self, window: Window[Frame]) -> None:
        settings, begin_s = self._settings, time.monotonic()
        session = self._session
        session.threshold, session.max_sources = settings.threshold, settings.max_sources
        try:
            segmentation = only_classes(session.step(window), settings.classes)
        except RuntimeError as error:  # torch's, for whatever a device reports; the next window may work
            self.problem = f"the network failed: {str(error).splitlines()[0]}; try --device cpu"
            return
        if settings.compare_motion:
            segmentation = self._motion.choose(segmentation, window)
        self.problem = ""
        self.counts.windows += 1
        took_s = time.monotonic() - begin_s
        self.screen.add_mask(segmentation.mask, segmentation.stamp_ns)
        evidence = None if session.is_exported else newest_evidence(session)
        cause = self._motion.cause if settings.compare_motion else ""
        self.timeline.append(Second(self.counts.windows, segmentation, evidence, took_s, cause))
