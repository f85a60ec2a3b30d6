"""What becomes of a window: unpacked, segmented, given directions, published. All of it in the network's thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from c3n_model.streaming.session import Session
from c3n_model.types import Frame, Segmentation, Window
from c3n_ros.geometry.camera import Camera
from c3n_ros.geometry.depth import MAX_DISTANCE_M
from c3n_ros.geometry.direction import with_directions
from c3n_ros.health.guard import Guard, in_one_line
from c3n_ros.health.health import Health
from c3n_ros.segmentation.background_learning import BackgroundLearning
from c3n_ros.segmentation.pipeline import PackedWindow
from c3n_ros.segmentation.settings import SegmentationParameters


class Perception:
    """One session and its owner: windows in, messages out.

    Args:
        session: from here on it belongs to the thread that calls `segment`.
        settings: may be replaced at any time; `settings` is read once a window.
        publish: takes a segmentation, the image uint8 (H, W, 3) it is of, and the settings.
        camera_info: gives the latest sensor_msgs/CameraInfo, None before it came.
        health: is told what goes well and what does not.
        guard: unpacks messages under their topics, places regions under "directions" and writes files under "background".
        learning: of the robot's own noise, of the same session.
    """

    def __init__(
        self,
        session: Session,
        settings: SegmentationParameters,
        publish: Callable[[Segmentation, np.ndarray, SegmentationParameters], None],
        camera_info: Callable[[], Any],
        health: Health,
        guard: Guard,
        learning: BackgroundLearning,
    ):
        self.learning = learning
        self._session, self._publish, self._camera_info = session, publish, camera_info
        self._health, self._guard = health, guard
        self.settings = settings

    def warm_up(self) -> None:
        """The first pass through a network is many times slower than the others; no window should wait for it.

        Raises ValueError where the device refuses: out of memory, a driver that does not fit."""
        frame = Frame(np.zeros((480, 640, 3), np.uint8), stamp_ns=0)
        snippet = np.zeros(self._session.model.sample_rate, np.float32)
        try:
            self._session.step(Window(start_ns=0, frame=frame, snippet=snippet))
        except RuntimeError as error:  # torch's, for whatever CUDA says
            reason = str(error).splitlines()[0]
            raise ValueError(f"the model does not run on {self._session.device} ({reason}); try device:=cpu") from error
        self._session.reset()

    def segment(self, packed: PackedWindow) -> None:
        """One window from its packed image to its messages. What the network raises comes through."""
        image = packed.window.frame
        frame = self._guard.run(image.topic, image.content)
        if frame is None:
            self._health.refuse_image(self._guard.failures[image.topic].cause)
            return
        try:
            self._segment(replace(packed.window, frame=frame), packed)
        except Exception as error:
            self._health.fail_window(in_one_line(error))
            raise

    def _segment(self, window: Window, packed: PackedWindow) -> None:
        settings = self.settings
        self._follow(settings)
        self.learning.before_window()
        segmentation = self._directed(self._session.step(window), packed)
        self._guard.run("background", self.learning.after_window)
        self._publish(segmentation, window.frame.rgb, settings)
        now_s = time.monotonic()
        self._health.on_window(now_s, now_s - packed.complete_s, window.heard, packed.passed_over)

    def _follow(self, settings: SegmentationParameters) -> None:
        session, config = self._session, self._session.model.config
        session.threshold = settings.threshold
        for name in ("presence_threshold", "visibility_threshold"):
            given = getattr(settings, name)
            setattr(session, name, getattr(config, name) if given < 0 else given)
        session.history = settings.history or config.history

    def _directed(self, segmentation: Segmentation, packed: PackedWindow) -> Segmentation:
        """With directions where camera_info is there, with positions where depth or a cloud came with the image."""
        camera_info = self._camera_info()
        if camera_info is None or not segmentation.objects:
            return segmentation
        found = {name: self._guard.run(item.topic, item.content) for name, item in packed.companions.items()}
        directed = self._guard.run("directions", self._place, segmentation, camera_info, found)
        if directed is None:
            return segmentation
        self._report_missing_positions(directed, found)
        return directed

    def _place(self, segmentation: Segmentation, camera_info: Any, found: dict[str, Any]) -> Segmentation:
        camera = Camera.from_info(camera_info)
        return with_directions(segmentation, camera, depth=found.get("depth"), cloud=found.get("points"))

    def _report_missing_positions(self, directed: Segmentation, found: dict[str, Any]) -> None:
        missing = [one.label for one in directed.objects if one.bearing is not None and one.position is None]
        if found and missing:
            reason = f"too few depths within (0, {MAX_DISTANCE_M:.0f}] m inside {len(missing)} of {len(directed.objects)} objects"
            self._guard.record("positions", f"{reason}; check what publishes {' and '.join(found)}")
