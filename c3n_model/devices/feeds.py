"""Where live pictures and live sound come from: a camera, a microphone, or a recording that is played.

A feed pushes frames and chunks from a thread of its own, stamped with the machine's clock (ns since 1970), and tells in
`problem` what is wrong with it, "" if nothing.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any, Protocol

from c3n_model.devices.camera import RETRY_S, Camera, frames_of
from c3n_model.devices.microphone import Microphone, MicrophoneSettings
from c3n_model.messages.sounds import AudioFormat, chunk_from_pcm
from c3n_model.sources import Source
from c3n_model.sources.media import arrival_ns
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame

Item = Frame | AudioChunk
Push = Callable[[Item], None]
TICK_S = 0.02


class Feed(Protocol):
    """`run` pushes items until `stop` is set. `name` says what it is, `problem` what is wrong with it at the moment."""

    name: str
    problem: str

    def run(self, push: Push, stop: threading.Event) -> None: ...


class CameraFeed:
    """A camera that is opened again when it is gone. Raises ValueError as `Camera` if it cannot be opened now."""

    def __init__(self, name: str, open_camera: Callable[[str], Camera] = Camera):
        self._camera: Camera | None = open_camera(name)
        self._open_camera, self._device = open_camera, name
        self.name, self.problem = f"camera {name}", ""

    def run(self, push: Push, stop: threading.Event) -> None:
        """See `Feed`."""
        while not stop.is_set():
            if self._camera is not None:
                for frame in frames_of(self._camera, stop.is_set):
                    push(frame)
                self._camera.close()
                self._camera = None
            if not stop.is_set():
                self._reopen(stop)

    def _reopen(self, stop: threading.Event) -> None:
        self.problem = self.problem or f"{self.name} is gone: plug it in again"
        stop.wait(RETRY_S)
        try:
            self._camera, self.problem = self._open_camera(self._device), ""
        except ValueError as error:
            self.problem = str(error)


class MicrophoneFeed:
    """A microphone that is opened again when it is gone. Raises ValueError if it cannot be opened now."""

    def __init__(self, settings: MicrophoneSettings, sounddevice: ModuleType | Any):
        self._format = AudioFormat(settings.sample_rate, settings.channels)
        self._microphone = Microphone(sounddevice, settings, time.time_ns)
        self.name, self.problem = f"microphone {settings.device}".rstrip(), ""
        text = self._microphone.update(time.monotonic())
        if not text.startswith("listening"):
            raise ValueError(text.partition(" Trying again")[0])

    def run(self, push: Push, stop: threading.Event) -> None:
        """See `Feed`."""
        try:
            while not stop.wait(TICK_S):
                chunks = self._microphone.take()
                for chunk in chunks:
                    push(chunk_from_pcm(chunk.pcm, self._format, chunk.stamp_ns))
                text = self._microphone.update(time.monotonic())
                if text or chunks:
                    self.problem = "" if text.startswith("listening") else text
        finally:
            self._microphone.close()


class RecordingFeed:
    """A recording or a stream, played at its own pace, again and again.

    Stamps are the source's own moved by whole seconds, so that windows are cut as from the source itself. A source that is
    slower than its stamps is not hurried.
    """

    def __init__(self, source: Source, *, sound: bool = True):
        """`sound`: push its sound as well as its pictures."""
        self._source, self._sound = source, sound
        self.name, self.problem = source.name, ""

    def run(self, push: Push, stop: threading.Event) -> None:
        """See `Feed`."""
        while not stop.is_set():
            played = False
            try:
                played = self._play(push, stop)
                self.problem = "" if played else f"{self.name} has no pictures"
            except (ValueError, OSError) as error:
                self.problem = str(error)
            if not played:
                stop.wait(RETRY_S)

    def _play(self, push: Push, stop: threading.Event) -> bool:
        """Push all items once; return whether there were any."""
        shift_ns = None
        for item in self._source:
            if shift_ns is None:
                shift_ns = (
                    _whole_second(time.time_ns()) - item.stamp_ns // NANOSECONDS_PER_SECOND * NANOSECONDS_PER_SECOND
                )
            item = replace(item, stamp_ns=item.stamp_ns + shift_ns)
            wait_s = (arrival_ns(item) - time.time_ns()) / NANOSECONDS_PER_SECOND
            if stop.is_set() or (wait_s > 0 and stop.wait(wait_s)):
                break
            if isinstance(item, Frame) or self._sound:
                push(item)
                self.problem = ""
        return shift_ns is not None


def _whole_second(now_ns: int) -> int:
    """The next whole second."""
    return math.ceil(now_ns / NANOSECONDS_PER_SECOND) * NANOSECONDS_PER_SECOND
