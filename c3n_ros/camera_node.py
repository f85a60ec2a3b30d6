"""Publishes a camera through OpenCV, for robots without a camera driver of their own; or plays a video with its sound.

| topic | message | |
|---|---|---|
| camera/image_raw | sensor_msgs/Image | rgb8 |
| camera/image_raw/compressed | sensor_msgs/CompressedImage | JPEG; made while somebody subscribes |
| camera/camera_info | sensor_msgs/CameraInfo | with a calibration, or with an angle of view |
| audio/audio_stamped, audio/audio_info | of audio_common_msgs | with `video` only: its sound |

`ros2 run c3n_ros camera_node --list` shows the cameras. A camera that was unplugged is opened again when it is back.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import audio_common_msgs.msg
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from c3n_model.devices.camera import Camera, list_cameras
from c3n_model.devices.feeds import CameraFeed, Feed, Item, RecordingFeed
from c3n_model.messages.sounds import pcm_from_samples
from c3n_model.sources import open_source
from c3n_model.types import Frame
from c3n_ros.geometry.calibration import Calibration, calibration_from_angle, read_calibration
from c3n_ros.health.ros_guard import Guarded
from c3n_ros.messages.audio_messages import SoundMessages
from c3n_ros.messages.conversions import compressed_picture_message, picture_message, time_message
from c3n_ros.parameters import declare
from c3n_ros.run_node import run, spin

IMAGE_DEPTH, SOUND_DEPTH = 5, 100
_PARAMETERS: dict[str, tuple[Any, str]] = {
    "camera": ("0", "Index of a camera, or its device file; --list shows them."),
    "width": (640, "Width in pixels to ask the camera for; 0: its own."),
    "height": (480, "Height in pixels to ask the camera for; 0: its own."),
    "video": ("", "A video file, a folder of pictures or a bag to play instead, with its sound, again and again."),
    "frame_id": ("camera_optical_frame", "Optical frame of the headers (REP-103)."),
    "calibration_file": ("", "YAML file of camera_calibration; empty: see horizontal_fov_deg."),
    "horizontal_fov_deg": (
        0.0,
        "Horizontal angle of view in degrees, for a camera_info without calibration; 0: no camera_info.",
    ),
}


class CameraNode(Guarded, Node):
    """Publishes what a feed pushes from its thread. Raises ValueError, OSError for a camera, video or file that cannot be used."""

    def __init__(self, feed: Feed | None = None, **node_options):
        """`feed` replaces the camera or video of the parameters; `node_options` go to rclpy's Node."""
        super().__init__("camera", **node_options)
        values = {
            name: declare(self, name, default, ParameterDescriptor(description=text, read_only=True))
            for name, (default, text) in _PARAMETERS.items()
        }
        self._frame_id, self._fov_deg = values["frame_id"], values["horizontal_fov_deg"]
        path = values["calibration_file"]
        self._calibration = read_calibration(Path(path)) if path else None
        feed = feed or _open_feed(values)
        options = {"qos_overriding_options": QoSOverridingOptions.with_default_policies()}
        reliable = QoSProfile(depth=IMAGE_DEPTH, reliability=ReliabilityPolicy.RELIABLE)
        self._images = self.create_publisher(Image, "camera/image_raw", reliable, **options)
        self._jpegs = self.create_publisher(CompressedImage, "camera/image_raw/compressed", reliable, **options)
        self._infos = None
        if self._calibration is not None or self._fov_deg:
            self._infos = self.create_publisher(CameraInfo, "camera/camera_info", reliable, **options)
        self._sound: SoundMessages | None = None
        self._sounds = self._sound_info = None
        self._stop = threading.Event()
        self._feed, self._problem = feed, ""
        self._thread = threading.Thread(target=feed.run, args=(self._publish, self._stop), daemon=True)
        self._thread.start()
        self.create_timer(1.0, self._every_second, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.get_logger().info(f"publishing {feed.name}")

    def _publish(self, item: Item) -> None:
        """Called in the feed's thread."""
        if self._stop.is_set():
            return
        if isinstance(item, Frame):
            self.guard.run("camera/image_raw", self._publish_frame, item)
        else:
            self.guard.run("audio/audio_stamped", self._publish_sound, item)

    def _publish_frame(self, frame: Frame) -> None:
        if self._images.get_subscription_count():
            self._images.publish(picture_message(frame.rgb, frame.stamp_ns, self._frame_id))
        if self._jpegs.get_subscription_count():
            self._jpegs.publish(compressed_picture_message(frame.rgb, frame.stamp_ns, self._frame_id))
        if self._infos is not None:
            height, width = frame.rgb.shape[:2]
            if self._calibration is None:
                self._calibration = calibration_from_angle(width, height, self._fov_deg)
            self._infos.publish(camera_info_message(self._calibration, frame.stamp_ns, self._frame_id))

    def _publish_sound(self, chunk) -> None:
        if self._sound is None:
            self._sound = SoundMessages(audio_common_msgs.msg, chunk.sample_rate, chunk.samples.shape[1], "")
            options = {"qos_overriding_options": QoSOverridingOptions.with_default_policies()}
            reliable = QoSProfile(depth=SOUND_DEPTH, reliability=ReliabilityPolicy.RELIABLE)
            self._sounds = self.create_publisher(self._sound.stamped_type, "audio/audio_stamped", reliable, **options)
            if (info := self._sound.info()) is not None:
                latched = QoSProfile(
                    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
                )
                self._sound_info = self.create_publisher(type(info), "audio/audio_info", latched, **options)
                self._sound_info.publish(info)
        pcm = pcm_from_samples(chunk.samples).tobytes()
        self._sounds.publish(self._sound.stamped(pcm, chunk.stamp_ns))

    def _every_second(self) -> None:
        problem = self._feed.problem
        if problem != self._problem and problem:
            self.get_logger().warning(problem)
        elif problem != self._problem:
            self.get_logger().info(f"{self._feed.name} is back")
        self._problem = problem

    def destroy_node(self) -> None:
        """Stop the feed, then destroy the node."""
        self._stop.set()
        self._thread.join(timeout=5)
        super().destroy_node()


def camera_info_message(calibration: Calibration, stamp_ns: int, frame_id: str) -> CameraInfo:
    """Return a calibration as sensor_msgs/CameraInfo."""
    message = CameraInfo(width=calibration.width, height=calibration.height, d=list(calibration.d))
    message.header.stamp, message.header.frame_id = time_message(stamp_ns), frame_id
    message.distortion_model = calibration.distortion_model
    message.k, message.r, message.p = calibration.k, calibration.r, calibration.p
    return message


def _open_feed(values: dict[str, Any]) -> Feed:
    if values["video"]:
        source = open_source(values["video"], allow_silent=True)
        return RecordingFeed(source, sound=source.has_sound)
    return CameraFeed(values["camera"], lambda name: Camera(name, width=values["width"], height=values["height"]))


def main() -> int:
    """Publish until a signal; return 1 after one line if the node cannot start. --list shows the cameras instead."""
    if "--list" in sys.argv[1:]:
        print("\n".join(list_cameras()))
        return 0

    def work(stop: threading.Event) -> None:
        node = CameraNode()
        try:
            spin(node, stop)
        finally:
            node.destroy_node()

    return run("camera", work)


if __name__ == "__main__":
    raise SystemExit(main())
