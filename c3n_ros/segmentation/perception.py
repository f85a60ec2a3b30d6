"""Process a window: decode, segment, add directions, publish. Everything here runs in the network thread."""

from __future__ import annotations

import time
from typing import Protocol

import numpy as np

from c3n_model.motion.motion_memory import MotionMemory
from c3n_model.streaming.class_filter import only_classes
from c3n_model.streaming.cpu_threads import use_threads
from c3n_model.streaming.session import Session
from c3n_model.types import Frame, Segmentation, Window
from c3n_ros.geometry.camera import Camera
from c3n_ros.geometry.depth import MAX_DISTANCE_M
from c3n_ros.geometry.direction import check_depth_size, with_directions
from c3n_ros.health.diagnostics import Health
from c3n_ros.health.guard import Guard, in_one_line
from c3n_ros.segmentation.background_learning import BackgroundLearning
from c3n_ros.segmentation.pipeline import COMPANION_SKEW_NS, PendingWindow
from c3n_ros.segmentation.segmentation_parameters import SegmentationParameters
from c3n_ros.segmentation.serialized import SerializedMessage
from c3n_ros.segmentation.sound_direction import CalibratedInput, SoundDirection

NEARLY_BLACK = 16  # of 255: maximum of the 99th percentile of an image in which nothing is visible


class CameraInput(CalibratedInput, Protocol):
    """What perception reads of the node's `Inputs`, in the network thread: the latest calibration, or None."""

    @property
    def calibration(self) -> Camera | None: ...


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
        guard: runs decoding under the message's topic, directions under "directions" and files under "background".
        learning: of the robot's own noise, of the same session.
        motion: of the same images, None if it is not compared.
    """

    def __init__(
        self,
        session: Session,
        settings: SegmentationParameters,
        inputs: CameraInput,
        outputs: ResultOutput,
        health: Health,
        guard: Guard,
        learning: BackgroundLearning,
        motion: MotionMemory | None = None,
    ):
        self.learning, self._motion = learning, motion
        self._session, self._inputs, self._outputs = session, inputs, outputs
        self._health, self._guard = health, guard
        self._direction = SoundDirection(inputs, health.direction)
        health.motion.is_used = motion is not None
        self.settings = settings
        self.classes: tuple[str, ...] = ()  # to show, as the model spells them; empty: all
        self.threads = 0  # of torch, after `warm_up` on a CPU
        self._last_start_ns: int | None = None

    def warm_up(self) -> None:
        """Run the network once: the first pass is many times slower than the others, and no window should wait for it.

        On a CPU this also decides how many threads it gets, see the parameter `threads`. Raises ValueError if the device fails,
        for example without enough memory or with an unsuitable driver.
        """
        frame = Frame(np.zeros((480, 640, 3), np.uint8), stamp_ns=0)
        window = Window(start_ns=0, frame=frame, snippet=np.zeros(self._session.model.sample_rate, np.float32))
        try:
            self._session.step(window)
            if str(self._session.device) == "cpu":
                self.threads = use_threads(self.settings.threads, lambda: self._session.step(window))
        except RuntimeError as error:  # torch's, for whatever CUDA reports
            reason = str(error).splitlines()[0]
            raise ValueError(f"the model does not run on {self._session.device} ({reason}); try device:=cpu") from error
        self._session.reset()

    def segment(self, pending: PendingWindow) -> None:
        """Segment one window and publish the result. Passes on exceptions of the network."""
        if self._is_too_soon(pending.window.start_ns):
            return
        image = pending.window.frame
        frame = self._guard.run(image.topic, image.decode)
        if frame is None:
            self._health.refuse_image(self._guard.failures[image.topic].cause)
            return
        self._health.camera.unfit = _darkness(frame.rgb)
        try:
            self._segment(pending.window.with_frame(frame), pending)
        except Exception as error:
            self._health.fail_window(in_one_line(error))
            raise

    def _is_too_soon(self, start_ns: int) -> bool:
        """Whether a window comes sooner after the last one than `max_rate` allows; by stamps, so that playback is the same."""
        last_ns = self._last_start_ns
        if last_ns is not None and 0 <= start_ns - last_ns < self.settings.shortest_gap_ns:
            return True
        self._last_start_ns = start_ns
        return False

    def _segment(self, window: Window[Frame], pending: PendingWindow) -> None:
        settings = self.settings
        self._apply(settings)
        self.learning.before_window()
        segmentation = only_classes(self._session.step(window), self.classes)
        chosen = self._guard.run("sound direction", self._direction.choose, segmentation, window, settings.camera_fov)
        segmentation = chosen or segmentation
        if self._motion is not None:
            chosen = self._guard.run("motion", _choose_moving, self._motion, self._health, segmentation, window)
            segmentation = chosen or segmentation
        segmentation = self._with_directions(segmentation, pending)
        self._guard.run("background", self.learning.after_window)
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
        """Add directions if there is a camera_info, and positions if depth or a point cloud came with the image.

        What cannot be used is reported under its own name and costs no other result.
        """
        camera, (height, width) = self._inputs.calibration, segmentation.mask.shape
        if camera is None:
            return segmentation
        distances = self._distances(pending, width, height)
        self._health.camera_info.unfit = ""
        try:
            camera = camera.for_size(width, height)
        except ValueError as error:
            self._health.camera_info.unfit = in_one_line(error)
            self._guard.record("directions", in_one_line(error))
            return segmentation
        if not segmentation.objects:
            return segmentation
        for usable in (distances, {}) if distances else ({},):
            directed = self._guard.run("directions", _with_directions, segmentation, camera, usable)
            if directed is not None:
                self._report_missing_positions(directed, usable)
                return directed
        return segmentation

    def _distances(self, pending: PendingWindow, width: int, height: int) -> dict[str, np.ndarray]:
        """Return the usable ones of depth and points; report in their statuses why the others are not."""
        usable = {}
        for name, stream in self._health.distances.items():
            companion = pending.companions.get(name)
            stream.unfit = ""
            if companion is None:
                stream.unfit = f"none within {COMPANION_SKEW_NS / 1e6:.0f} ms of the image had arrived with it"
                stream.unfit += "; let the camera driver give both the same stamp, or check the clocks"
                continue
            values = self._guard.run(companion.topic, _decoded, companion, name, width, height)
            stream.refused = "" if values is not None else self._guard.failures[companion.topic].cause
            if values is not None:
                usable[name] = values
        return usable

    def _report_missing_positions(self, directed: Segmentation, distances: dict[str, np.ndarray]) -> None:
        objects = directed.objects
        missing = [region for region in objects if region.bearing is not None and region.position is None]
        if distances and missing:
            reason = (
                f"too few depths within (0, {MAX_DISTANCE_M:.0f}] m inside {len(missing)} of {len(objects)} objects"
            )
            self._guard.record("positions", f"{reason}; check what publishes {' and '.join(distances)}")


def _darkness(rgb: np.ndarray) -> str:
    """Return a message for an image uint8 (H, W, 3) in which nothing is visible, "" for any other."""
    rows, columns = (max(size // 128, 1) for size in rgb.shape[:2])
    bright = float(np.percentile(rgb[::rows, ::columns].max(axis=-1), 99))
    if bright >= NEARLY_BLACK:
        return ""
    return (
        f"image nearly black (99 % of its pixels are at most {bright:.0f} of 255): uncover the lens, switch on the light, or "
        "raise the camera's exposure or gain"
    )


def _decoded(companion: SerializedMessage, name: str, width: int, height: int) -> np.ndarray:
    values = companion.decode()
    if name == "depth":
        check_depth_size(values, width, height)
    return values


def _choose_moving(
    motion: MotionMemory, health: Health, segmentation: Segmentation, window: Window[Frame]
) -> Segmentation:
    segmentation = motion.choose(segmentation, window)
    health.motion.add(segmentation, motion.cause)
    return segmentation


def _with_directions(segmentation: Segmentation, camera: Camera, distances: dict[str, np.ndarray]) -> Segmentation:
    return with_directions(segmentation, camera, depth=distances.get("depth"), cloud=distances.get("points"))
