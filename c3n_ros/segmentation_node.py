"""The perception node: camera and microphone in, masks of what sounds out.

| topic | message | |
|---|---|---|
| camera/image_raw | sensor_msgs/Image | in, best effort |
| audio/audio_stamped | audio_common_msgs/AudioDataStamped | in, best effort, PCM |
| audio/audio_info | audio_common_msgs/AudioInfo | in, latched |
| sounding_object/mask | sensor_msgs/Image mono8 | out, reliable; size and header of the segmented image |
| sounding_object/objects | c3n_ros/SoundingObjects | out, reliable; labels, scores and regions, same header |
| sounding_object/overlay | sensor_msgs/Image rgb8 | out, reliable; drawn only while somebody subscribes |
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import Image

from c3n_model.loading import load_model
from c3n_model.model import Model
from c3n_model.overlay import draw_overlay
from c3n_model.sources.messages import AudioFormat, chunk_from_audio, format_from_info, frame_from_image, stamp_of
from c3n_model.streaming.session import Session
from c3n_model.streaming.windows import WindowAssembler, WindowRules
from c3n_model.types import NANOSECONDS_PER_SECOND, Frame, Window
from c3n_ros.conversions import mask_message, objects_message, overlay_message
from c3n_ros.msg import SoundingObjects
from c3n_ros.parameters import SegmentationParameters, declare_parameters, with_changes
from c3n_ros.run_node import run, spin

try:
    from audio_common_msgs.msg import AudioDataStamped, AudioInfo
except ImportError as error:
    raise ImportError(
        "this workspace has no audio_common_msgs/AudioDataStamped: install ros-drivers' audio_common_msgs (apt: "
        "ros-$ROS_DISTRO-audio-common-msgs); another package of that name, such as mgonzs13's, hides it"
    ) from error

IMAGE_DEPTH, AUDIO_DEPTH, OUTPUT_DEPTH = 30, 200, 5  # messages that may wait; a second of images, two of sound
# How long sound waits for its description before it is read as the parameters say, in the time of its own stamps.
AUDIO_INFO_PATIENCE_NS = NANOSECONDS_PER_SECOND
REPEAT_ERROR_AFTER_S = 10.0
QUIET_PERIOD_S = 10.0  # without a window in this time, the node says what it lacks


@dataclass(frozen=True)
class StampedImage:
    """A frame still packed in its message. Windows are cut by stamps; only the image that one uses is ever converted."""

    stamp_ns: int
    message: Image


class SegmentationNode(Node):
    """Convert, call, publish.

    Threads: the executor's runs the callbacks, which put messages into the window assembler under `_arrival`'s lock. One
    worker owns the session (and the GPU), takes the newest window, counts older ones as dropped, and publishes.
    """

    def __init__(self, model: Model | None = None, session: Session | None = None, **node_options):
        """`model` and `session` replace those that the parameters name; `node_options` go to rclpy's Node.

        Raises:
            ValueError, FileNotFoundError: the model, the device or a parameter cannot be used; the message says why.
        """
        super().__init__("segmentation", **node_options)
        self._settings = declare_parameters(self)  # replaced as a whole, never changed
        self._model = model or load_model(self._settings.model)
        self._session = session or Session(self._model, self._settings.device)
        self._windows = WindowAssembler(
            self._model.sample_rate,
            rules=WindowRules(
                max_skew_ns=int(self._settings.max_skew_s * NANOSECONDS_PER_SECOND),
                max_wait_ns=int(self._settings.max_wait_s * NANOSECONDS_PER_SECOND),
                min_heard=self._settings.min_heard,
            ),
        )
        self._warm_up()
        self._audio_format: AudioFormat | None = None  # until audio_info came or did not come in time
        self._refused_format = ""  # why what audio_info describes cannot be read
        self._waiting_sound: deque[AudioDataStamped] = deque(maxlen=AUDIO_DEPTH)
        self._ready: list[Window] = []
        self._dropped_windows = 0
        self._stopping = False
        self._arrival = threading.Condition()
        self._create_publishers()
        self._create_subscriptions()
        self.add_on_set_parameters_callback(self._on_parameters)
        self._windows_before = 0
        self.create_timer(QUIET_PERIOD_S, self._say_what_is_missing, clock=Clock(clock_type=ClockType.STEADY_TIME))
        note = self._model.card.get("note", "")
        self.get_logger().info(f"listening with model {self._settings.model} on {self._session.device}. {note}")
        # Last: a node that could not be made leaves no thread behind to keep its process alive.
        self._worker = threading.Thread(target=self._work, name="segmentation")
        self._worker.start()

    def _warm_up(self) -> None:
        """The first pass through a network is many times slower than the others; no window should wait for it.

        Raises ValueError where the device refuses: out of memory, a driver that does not fit."""
        frame = Frame(np.zeros((480, 640, 3), np.uint8), stamp_ns=0)
        try:
            self._session.step(Window(start_ns=0, frame=frame, snippet=np.zeros(self._model.sample_rate, np.float32)))
        except RuntimeError as error:  # torch's, for whatever CUDA says
            reason = str(error).splitlines()[0]
            raise ValueError(f"the model does not run on {self._session.device} ({reason}); try device:=cpu") from error
        self._session.reset()

    def _create_publishers(self) -> None:
        profile = QoSProfile(depth=OUTPUT_DEPTH, reliability=ReliabilityPolicy.RELIABLE)
        options = {"qos_profile": profile, "qos_overriding_options": QoSOverridingOptions.with_default_policies()}
        self._mask_publisher = self.create_publisher(Image, "sounding_object/mask", **options)
        self._objects_publisher = self.create_publisher(SoundingObjects, "sounding_object/objects", **options)
        self._overlay_publisher = self.create_publisher(Image, "sounding_object/overlay", **options)

    def _create_subscriptions(self) -> None:
        # Best effort matches every publisher; a reliable request would never match most cameras.
        images = QoSProfile(depth=IMAGE_DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT)
        sound = QoSProfile(depth=AUDIO_DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT)
        latched = QoSProfile(
            depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
        )
        for kind, topic, callback, profile in (
            (Image, "camera/image_raw", self._on_image, images),
            (AudioDataStamped, "audio/audio_stamped", self._on_audio, sound),
            (AudioInfo, "audio/audio_info", self._on_audio_info, latched),
        ):
            self.create_subscription(
                kind, topic, callback, profile, qos_overriding_options=QoSOverridingOptions.with_default_policies()
            )

    def _on_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        try:
            self._settings = with_changes(self._settings, changes)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _on_image(self, message: Image) -> None:
        with self._arrival:
            self._windows.add_frame(StampedImage(stamp_of(message.header), message))
            self._collect()

    def _on_audio_info(self, message: AudioInfo) -> None:
        try:
            self._audio_format = format_from_info(message)
        except ValueError as error:
            self._audio_format, self._refused_format = None, str(error)
            self._waiting_sound.clear()
            self._say_bad_sound(error)
            return
        self._refused_format = ""
        self._add_waiting_sound()

    def _on_audio(self, message: AudioDataStamped) -> None:
        if self._refused_format:
            self._say_bad_sound(self._refused_format)
            return
        self._waiting_sound.append(message)
        if self._audio_format is None:
            waited_ns = stamp_of(message.header) - stamp_of(self._waiting_sound[0].header)
            if 0 <= waited_ns < AUDIO_INFO_PATIENCE_NS:
                return
            self._audio_format = self._settings.audio_format
            self.get_logger().warning(
                f"nobody describes the sound on audio/audio_info: reading it as {self._audio_format}"
            )
        self._add_waiting_sound()

    def _add_waiting_sound(self) -> None:
        with self._arrival:
            while self._waiting_sound:
                message = self._waiting_sound.popleft()
                try:
                    self._windows.add_audio(chunk_from_audio(message, self._audio_format))
                except ValueError as error:
                    self._say_bad_sound(error)
                self._collect()

    def _say_bad_sound(self, reason: ValueError | str) -> None:
        self.get_logger().error(f"sound not used: {reason}", throttle_duration_sec=REPEAT_ERROR_AFTER_S)

    def _say_what_is_missing(self) -> None:
        with self._arrival:
            counts = replace(self._windows.counts)
        if counts.windows == self._windows_before:
            self.get_logger().warning(
                f"no window for {QUIET_PERIOD_S:.0f} s; since the start {counts.frames} images and {counts.chunks} pieces of "
                f"sound arrived, and {counts.skipped_no_frame} seconds lacked an image, {counts.skipped_no_sound} sound"
            )
        self._windows_before = counts.windows

    def _collect(self) -> None:
        self._ready += self._windows.ready()
        if self._ready:
            self._arrival.notify()

    def _work(self) -> None:
        while True:
            with self._arrival:
                self._arrival.wait_for(lambda: self._ready or self._stopping)
                if self._stopping:
                    return
                window = self._ready[-1]
                self._dropped_windows += len(self._ready) - 1
                self._ready.clear()
            try:
                self._segment(window)
            except ValueError as error:
                self.get_logger().error(f"image not used: {error}", throttle_duration_sec=REPEAT_ERROR_AFTER_S)
            except Exception as error:  # out of memory, a lost GPU: this window is gone, the next one may work
                self.get_logger().error(
                    f"window skipped: {type(error).__name__}: {error}", throttle_duration_sec=REPEAT_ERROR_AFTER_S
                )

    def _segment(self, window: Window) -> None:
        settings = self._settings
        window = replace(window, frame=frame_from_image(window.frame.message))
        self._configure_session(settings)
        segmentation = self._session.step(window)
        self._mask_publisher.publish(mask_message(segmentation, settings.mask_mode))
        self._objects_publisher.publish(objects_message(segmentation, self._dropped_windows))
        if self._overlay_publisher.get_subscription_count() > 0:
            self._overlay_publisher.publish(overlay_message(draw_overlay(window.frame.rgb, segmentation), segmentation))

    def _configure_session(self, settings: SegmentationParameters) -> None:
        self._session.threshold = settings.threshold
        self._session.presence_threshold = (
            self._model.config.presence_threshold if settings.presence_threshold < 0 else settings.presence_threshold
        )

    def destroy_node(self) -> None:
        """Let the window in progress finish, then take the node down."""
        with self._arrival:
            self._stopping = True
            self._arrival.notify()
        self._worker.join()
        super().destroy_node()


def main() -> int:
    """Run until a signal; 1 with one line where the node cannot start."""

    def work(stop: threading.Event) -> None:
        node = SegmentationNode()
        try:
            spin(node, stop)
        finally:
            node.destroy_node()

    return run("segmentation", work)


if __name__ == "__main__":
    raise SystemExit(main())
