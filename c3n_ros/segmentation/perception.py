"""From a window to its messages: decode, segment, add directions, publish. All of it in the network thread."""

from __future__ import annotations

import time
from typing import Any, Protocol

import numpy as np

from c3n_model.streaming.session import Session
from c3n_model.types import Frame, Segmentation, Window
from c3n_ros.geometry.camera import Camera
from c3n_ros.geometry.depth import MAX_DISTANCE_M
from c3n_ros.geometry.direction import with_directions
from c3n_ros.health.guard import Guard, in_one_line
from c3n_ros.health.health import Health
from c3n_ros.segmentation.pipeline import PendingWindow
from c3n_ros.segmentation.settings import SegmentationParameters


class CameraInput(Protocol):
    """What perception reads of the node's `Inputs`, in the network thread: the latest sensor_msgs/CameraInfo, or None."""

    @property
    def camera_info(self) -> Any: ...


class ResultOutput(Protocol):
    """What perception calls of the node's `Outputs`, in the network thread."""

    def publish(
        self, segmentation: Segmentation, rgb: np.ndarray, settings: SegmentationParameters, dropped_windows: int
    ) -> None: ...


class Perception:
    """Segments windows and publishes the results. Owned by the network thread once the pipeline runs.

    Args:
        session: the network with its history.
        settings: `settings` may be replaced by another thread at any time; it is read once per window.
        inputs: gives the camera's calibration.
        outputs: publishes each segmentation with the image uint8 (H, W, 3) that was segmented.
        health: is told of published and failed windows.
        guard: runs decoding under the message's topic, and directions under "directions".
    """

    def __init__(
        self,
        session: Session,
        settings: SegmentationParameters,
        inputs: CameraInput,
        outputs: ResultOutput,
        health: Health,
        guard: Guard,
    ):
        self._session, self._inputs, self._outputs = session, inputs, outputs
        self._health, self._guard = health, guard
        self.settings = settings

    def warm_up(self) -> None:
        """Run the network once: its first pass is many times slower than the others, and no window should wait for it.

        Raises ValueError where the device fails: out of memory, or an unsuitable driver.
        """
        frame = Frame(np.zeros((480, 640, 3), np.uint8), stamp_ns=0)
        snippet = np.zeros(self._session.model.sample_rate, np.float32)
        try:
            self._session.step(Window(start_ns=0, frame=frame, snippet=snippet))
        except RuntimeError as error:  # torch's, for whatever CUDA reports
            reason = str(error).splitlines()[0]
            raise ValueError(f"the model does not run on {self._session.device} ({reason}); try device:=cpu") from error
        self._session.reset()

    def segment(self, pending: PendingWindow) -> None:
        """Take one window from its serialized image to its messages. Lets through what the network raises."""
        image = pending.window.frame
        frame = self._guard.run(image.topic, image.decode)
        if frame is None:
            self._health.refuse_image(self._guard.failures[image.topic].cause)
            return
        try:
            self._segment(pending.window.with_frame(frame), pending)
        except Exception as error:
            self._health.fail_window(in_one_line(error))
            raise

    def _segment(self, window: Window[Frame], pending: PendingWindow) -> None:
        settings = self.settings
        self._apply(settings)
        segmentation = self._with_directions(self._session.step(window), pending)
        self._outputs.publish(segmentation, window.frame.rgb, settings, pending.dropped_windows)
        now_s = time.monotonic()
        self._health.on_window(now_s, now_s - pending.complete_s, window.heard, pending.passed_over)

    def _apply(self, settings: SegmentationParameters) -> None:
        session, config = self._session, self._session.model.config
        session.threshold = settings.threshold
        for name in ("presence_threshold", "visibility_threshold"):
            value = getattr(settings, name)
            setattr(session, name, getattr(config, name) if value < 0 else value)
        session.history = settings.history or config.history

    def _with_directions(self, segmentation: Segmentation, pending: PendingWindow) -> Segmentation:
        """Add directions if there is a camera_info, and positions if depth or a point cloud came with the image."""
        camera_info = self._inputs.camera_info
        if camera_info is None or not segmentation.objects:
            return segmentation
        depths = {name: self._guard.run(item.topic, item.decode) for name, item in pending.companions.items()}
        directed = self._guard.run("directions", _with_directions, segmentation, camera_info, depths)
        if directed is None:
            return segmentation
        self._report_missing_positions(directed, depths)
        return directed

    def _report_missing_positions(self, directed: Segmentation, depths: dict[str, Any]) -> None:
        objects = directed.objects
        missing = [region for region in objects if region.bearing is not None and region.position is None]
        if depths and missing:
            reason = (
                f"too few depths within (0, {MAX_DISTANCE_M:.0f}] m inside {len(missing)} of {len(objects)} objects"
            )
            self._guard.record("positions", f"{reason}; check what publishes {' and '.join(depths)}")


def _with_directions(segmentation: Segmentation, camera_info: Any, depths: dict[str, Any]) -> Segmentation:
    camera = Camera.from_info(camera_info)
    return with_directions(segmentation, camera, depth=depths.get("depth"), cloud=depths.get("points"))
