"""The node's subscriptions while it is active: what arrives is appended to the pipeline, and that is all.

| topic | message | requested |
|---|---|---|
| camera/image_raw | sensor_msgs/Image, or CompressedImage on camera/image_raw/compressed | best effort |
| camera/camera_info | sensor_msgs/CameraInfo; without it there are no directions | best effort |
| camera/depth, camera/points | sensor_msgs/Image, PointCloud2; with one of them there are positions | best effort |
| audio/audio_stamped | audio_common_msgs/AudioDataStamped, AudioStamped or AudioData | the best its publishers offer |
| audio/audio_info | audio_common_msgs/AudioInfo of ros-drivers | reliable, transient local |

Every topic takes qos_overrides.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from functools import partial
from typing import Any

import numpy as np
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.qos import DurabilityPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy, qos_policy_name_from_kind
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

from c3n_model.messages.limits import check_cloud_size, check_image_size
from c3n_model.messages.sounds import ROS_DRIVERS, audio_dialect
from c3n_model.types import AudioChunk
from c3n_ros.geometry.depth import depth_from_image, points_from_cloud
from c3n_ros.health.arrivals import Arrivals
from c3n_ros.health.guard import in_one_line
from c3n_ros.health.ros_guard import Guarded, deserialize
from c3n_ros.messages.unusual_images import frame_from_any_image
from c3n_ros.segmentation.hearing import Hearing
from c3n_ros.segmentation.packed import Packed, stamp_of_serialized
from c3n_ros.segmentation.pipeline import Pipeline
from c3n_ros.segmentation.ros_qos import quality_of, reliability_of, strongest_reliability
from c3n_ros.segmentation.settings import SegmentationParameters

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks
try:
    from audio_common_msgs import msg as audio_messages
except ImportError:
    audio_messages = None

IMAGE_DEPTH, AUDIO_DEPTH = 10, 200  # messages that may wait in DDS; of sound two seconds in pieces of 10 ms
DURATIONS_KEPT = 10_000  # of callbacks, for their percentiles
BEST_EFFORT = QoSProfile(depth=IMAGE_DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def audio_class(msg_type: str) -> type:
    """The class of parameter `audio_msg_type`. Raises ValueError where no audio_common_msgs is installed that has it."""
    if audio_messages is None:
        raise ValueError(
            "this workspace has no audio_common_msgs: install ros-drivers' (apt: ros-$ROS_DISTRO-audio-common-msgs) and "
            "source the workspace again"
        )
    if msg_type == "auto":
        msg_type = "AudioDataStamped" if audio_dialect(audio_messages) == ROS_DRIVERS else "AudioStamped"
    if not hasattr(audio_messages, msg_type):
        raise ValueError(
            f"the installed audio_common_msgs has no {msg_type}: use audio_msg_type:=auto, or source the workspace that "
            "has it last (ros-drivers' package and mgonzs13's have one name, so that one hides the other)"
        )
    return getattr(audio_messages, msg_type)


class Inputs:
    """Subscriptions, there from `open` to `close`. Both, and every callback, run in the executor's thread."""

    def __init__(self, node: Guarded, settings: SegmentationParameters, pipeline: Pipeline):
        """Raises ValueError where the sound's message type is not installed."""
        self._node, self._pipeline = node, pipeline
        self._is_compressed = settings.image_transport == "compressed"
        self._audio_class = audio_class(settings.audio_msg_type)
        self._audio: Subscription | None = None
        self._others: list[Subscription] = []
        self._hearing = Hearing(settings.audio_format, node.get_logger().warning)
        image_topic = node.resolve_topic_name("camera/image_raw")
        self.camera = Arrivals(f"{image_topic}/compressed" if self._is_compressed else image_topic)
        self.microphone = Arrivals(node.resolve_topic_name("audio/audio_stamped"))
        self.description = Arrivals(node.resolve_topic_name("audio/audio_info"))
        self.publishers: dict[str, tuple[str, ...]] = {}  # names of the nodes that publish each topic
        self.camera_info: CameraInfo | None = None  # the latest
        self.callback_ns: deque[int] = deque(maxlen=DURATIONS_KEPT)  # how long appending a message took

    @property
    def is_open(self) -> bool:
        """Whether anything can arrive."""
        return self._audio is not None

    def open(self) -> None:
        """Subscribe. For images best effort matches every camera; a reliable request would never match most of them."""
        self._group = MutuallyExclusiveCallbackGroup()  # goes with the subscriptions; the node's own would keep a trace
        pipeline = self._pipeline
        image_class = CompressedImage if self._is_compressed else Image
        self._add_packed(image_class, self.camera.topic, frame_from_any_image, self._on_image)
        self._add_packed(Image, "camera/depth", _depth_from_image, partial(pipeline.add_companion, "depth"))
        self._add_packed(PointCloud2, "camera/points", _points_from_cloud, partial(pipeline.add_companion, "points"))
        self._add(CameraInfo, "camera/camera_info", self._on_camera_info, BEST_EFFORT)
        if audio_dialect(audio_messages) == ROS_DRIVERS:
            self._add(audio_messages.AudioInfo, self.description.topic, self._on_audio_info, LATCHED)
        self._subscribe_audio(self._wanted_reliability())
        self.look_around()

    def close(self) -> None:
        """Nothing arrives any more."""
        for subscription in filter(None, [self._audio, *self._others]):
            self._node.destroy_subscription(subscription)
        self._others.clear()
        self._audio = None

    def look_around(self) -> None:
        """Who publishes by now? Where the sound's publishers offer something else it is subscribed to anew. To be called
        every second or so while open."""
        wanted = self._wanted_reliability()
        if wanted != self._audio.qos_profile.reliability:
            self._node.destroy_subscription(self._audio)
            self._subscribe_audio(wanted)
        streams = {stream.topic: stream for stream in (self.camera, self.microphone, self.description)}
        for subscription in (self._audio, *self._others):
            topic = subscription.topic_name
            publishers = self._node.get_publishers_info_by_topic(topic)
            self.publishers[topic] = tuple(map(_node_name, publishers))
            if topic in streams:
                streams[topic].requested = quality_of(subscription.qos_profile)
                streams[topic].publishers = tuple(quality_of(publisher.qos_profile) for publisher in publishers)

    def _wanted_reliability(self) -> ReliabilityPolicy:
        """rclpy would keep the first choice in its parameter for ever, so this one is ours, with `auto` as its default."""
        name = f"qos_overrides.{self.microphone.topic}.subscription.reliability"
        if not self._node.has_parameter(name):
            description = "reliability for the sound: reliable, best_effort or auto (what all of its publishers offer)"
            self._node.declare_parameter(name, "auto", ParameterDescriptor(description=description, read_only=True))
        chosen = self._node.get_parameter(name).value
        if chosen != "auto":
            return reliability_of(name, chosen)
        publishers = self._node.get_publishers_info_by_topic(self.microphone.topic)
        return strongest_reliability(publisher.qos_profile.reliability for publisher in publishers)

    def _subscribe_audio(self, reliability: ReliabilityPolicy) -> None:
        profile = QoSProfile(depth=AUDIO_DEPTH, reliability=reliability)
        kinds = (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH)
        self._audio = self._subscribe(
            self._audio_class, self.microphone.topic, self._on_audio, profile, QoSOverridingOptions(kinds), raw=True
        )

    def _add(self, kind: type, topic: str, callback: Callable, profile: QoSProfile, raw: bool = False) -> None:
        overriding = QoSOverridingOptions.with_default_policies()
        self._others.append(self._subscribe(kind, topic, callback, profile, overriding, raw))

    def _add_packed(self, kind: type, topic: str, read: Callable, append: Callable[[Packed], None]) -> None:
        """Messages stay the bytes that came: 1080p takes milliseconds to unpack, and one in thirty is looked at."""
        topic = self._node.resolve_topic_name(topic)

        def unpack(data: bytes) -> Any:
            return read(deserialize(data, kind))

        def on_bytes(data: bytes) -> None:
            begin_ns = time.perf_counter_ns()
            append(Packed(stamp_of_serialized(data), data, unpack, topic))
            self.callback_ns.append(time.perf_counter_ns() - begin_ns)

        self._add(kind, topic, on_bytes, BEST_EFFORT, raw=True)

    def _subscribe(
        self,
        kind: type,
        topic: str,
        callback: Callable,
        profile: QoSProfile,
        overriding: QoSOverridingOptions,
        raw=False,
    ) -> Subscription:
        def on_incompatible(event: Any) -> None:
            policy = qos_policy_name_from_kind(event.last_policy_kind)
            self._node.get_logger().warning(f"a publisher on {topic} offers another {policy}: nothing comes from it")

        return self._node.create_subscription(
            kind,
            topic,
            callback,
            copy(profile),  # rclpy writes overrides into it
            callback_group=self._group,
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=on_incompatible),
            qos_overriding_options=overriding,
            raw=raw,
        )

    def _on_image(self, image: Packed) -> None:
        self.camera.add(time.monotonic(), image.stamp_ns)
        self._pipeline.add_image(image)

    def _on_camera_info(self, message: CameraInfo) -> None:
        check_image_size(message.width, message.height)
        self.camera_info = message

    def _on_audio(self, data: bytes) -> None:
        self._add_sound(data)
        # The executor takes one message of a topic in a round, and a round with a large image is long on a busy machine:
        # what else has come is taken now, or DDS would have to drop it.
        with self._audio.handle:
            while (taken := self._audio.handle.take_message(self._audio_class, True)) is not None:
                self._add_sound(taken[0])

    def _add_sound(self, data: bytes) -> None:
        begin_ns = time.perf_counter_ns()
        arrival_ns = self._node.get_clock().now().nanoseconds
        self._pipeline.add_sound(partial(self._hear, self._read_sound, data, arrival_ns), self.microphone.topic)
        self.callback_ns.append(time.perf_counter_ns() - begin_ns)

    def _on_audio_info(self, message: Any) -> None:
        self._pipeline.add_sound(partial(self._hear, self._hearing.describe, message), self.description.topic)

    def _read_sound(self, data: bytes, arrival_ns: int) -> Iterator[AudioChunk]:
        return self._hearing.read(deserialize(data, self._audio_class), arrival_ns)

    def _hear(self, read: Callable[..., Iterable[AudioChunk]], *message: Any) -> Iterator[AudioChunk]:
        """Runs in the intake's thread, where sound is unpacked."""
        try:
            for chunk in read(*message):
                self.microphone.refused = ""
                self.microphone.add(time.monotonic(), chunk.stamp_ns, chunk.end_ns)
                yield chunk
        except Exception as error:
            self.microphone.refused = in_one_line(error)
            raise


def _depth_from_image(message: Image) -> np.ndarray:
    check_image_size(message.width, message.height)
    return depth_from_image(message)


def _points_from_cloud(message: PointCloud2) -> np.ndarray:
    check_cloud_size(message.width, message.height)
    return points_from_cloud(message)


def _node_name(publisher: TopicEndpointInfo) -> str:
    return f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"
