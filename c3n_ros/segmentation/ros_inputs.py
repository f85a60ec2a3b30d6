"""The node's subscriptions while it is active, those of `c3n_ros.topics.INPUTS`. Callbacks only append messages to the pipeline."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from rclpy.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup
from rclpy.qos import DurabilityPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo
from sensor_msgs.msg import CameraInfo

from c3n_model.messages.images import frame_from_compressed, frame_from_image
from c3n_model.messages.limits import check_image_size
from c3n_model.messages.stamps import stamp_of
from c3n_ros.geometry.camera import Camera
from c3n_ros.health.arrivals import Arrivals
from c3n_ros.health.guard import in_one_line
from c3n_ros.health.ros_guard import Guarded
from c3n_ros.messages.message_types import message_class
from c3n_ros.segmentation.pipeline import Pipeline
from c3n_ros.segmentation.ros_audio_types import audio_class, has_audio_info
from c3n_ros.segmentation.ros_decoders import (
    AudioIntake,
    MessageDecoder,
    SoundDescription,
    SoundMessage,
    decode_depth,
    decode_points,
)
from c3n_ros.segmentation.ros_naps import Naps, take_waiting
from c3n_ros.segmentation.ros_qos import offer_of, sound_reliability
from c3n_ros.segmentation.ros_subscriptions import subscribe
from c3n_ros.segmentation.segmentation_parameters import SegmentationParameters
from c3n_ros.segmentation.serialized import SerializedMessage, stamp_of_serialized
from c3n_ros.segmentation.sound_direction import DirectionInput
from c3n_ros.topics import INPUTS

# Messages that may wait in DDS: 0.2 s of images at 30 Hz, 2 s of sound in messages of 10 ms.
IMAGE_DEPTH, AUDIO_DEPTH = 6, 200
MAX_DURATIONS = 10_000  # of callbacks, for their percentiles
BEST_EFFORT = QoSProfile(depth=IMAGE_DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Inputs:
    """Subscriptions that exist from `open` to `close`. All of it runs in the executor's thread; `calibration` may be read by others."""

    def __init__(self, node: Guarded, settings: SegmentationParameters, pipeline: Pipeline):
        """Raises ValueError if the message type of the sound is not installed, or what `load_array` raises."""
        self._node, self._pipeline = node, pipeline
        self._audio_class = audio_class(settings.audio_msg_type)
        self._has_stamps = "header" in self._audio_class.get_fields_and_field_types()
        self._audio: Subscription | None = None
        self._others: list[Subscription] = []
        image_topic = node.resolve_topic_name("camera/image_raw")
        self._transport, self._needs_all_images = settings.image_transport, settings.compare_motion
        self._is_compressed = self._transport == "compressed"  # auto: may change, see `_follow_transport`
        self.camera = Arrivals(f"{image_topic}/compressed" if self._is_compressed else image_topic)
        self.microphone = Arrivals(node.resolve_topic_name("audio/audio_stamped"))
        self.direction = DirectionInput(settings)
        warn = node.get_logger().warning
        self._intake = AudioIntake(self._audio_class, settings.audio_format, warn, self.microphone, self.direction)
        self.description = Arrivals(node.resolve_topic_name("audio/audio_info"))
        self.publishers: dict[str, tuple[str, ...]] = {}  # names of the nodes that publish each topic
        self.camera_info = Arrivals(node.resolve_topic_name("camera/camera_info"))
        self.distances = {name: Arrivals(node.resolve_topic_name(f"camera/{name}")) for name in ("depth", "points")}
        self.calibration: Camera | None = None  # from the latest usable camera_info
        self.callback_ns: deque[int] = deque(maxlen=MAX_DURATIONS)  # how long appending a message took

    @property
    def is_open(self) -> bool:
        """Whether the subscriptions exist."""
        return self._audio is not None

    @property
    def _streams(self) -> dict[str, Arrivals]:
        streams = (self.camera, self.microphone, self.description, self.camera_info, *self.distances.values())
        return {stream.topic: stream for stream in streams}

    def open(self) -> None:
        """Subscribe. For images best effort matches every camera; a reliable request would never match most of them."""
        self._group = MutuallyExclusiveCallbackGroup()  # goes with the subscriptions; the node's own would keep a trace
        self._naps = Naps(self._node)
        self._subscribe_images()
        for name, decode in (("depth", decode_depth), ("points", decode_points)):
            stream = self.distances[name]
            self._add_serialized(f"camera/{name}", decode, partial(self._on_distances, name), stream)
        self._add("camera/camera_info", self._on_camera_info, BEST_EFFORT)
        self._add("audio/direction", self.direction.on_pose, BEST_EFFORT)
        if has_audio_info():
            self._add("audio/audio_info", self._on_audio_info, LATCHED)
        self._subscribe_audio(sound_reliability(self._node, self.microphone.topic))
        self.check_publishers()

    def close(self) -> None:
        """Unsubscribe."""
        for subscription in filter(None, [self._audio, *self._others]):
            self._node.destroy_subscription(subscription)
        self._others.clear()
        if self._audio is not None:
            self._naps.close()
        self._audio = None

    def check_publishers(self) -> None:
        """Update the publishers of each topic, and subscribe to the sound again if their reliability changed.

        To be called about once a second while open.
        """
        self._follow_transport()
        reliability = sound_reliability(self._node, self.microphone.topic)
        if reliability != self._audio.qos_profile.reliability:
            self._node.destroy_subscription(self._audio)
            self._subscribe_audio(reliability)
        streams = self._streams
        for subscription in (self._audio, *self._others):
            topic = subscription.topic_name
            publishers = self._node.get_publishers_info_by_topic(topic)
            self.publishers[topic] = tuple(map(_node_name, publishers))
            if topic in streams:
                streams[topic].requested = offer_of(subscription.qos_profile)
                streams[topic].publishers = tuple(offer_of(publisher.qos_profile) for publisher in publishers)

    def _subscribe_images(self) -> None:
        name = "camera/image_raw/compressed" if self._is_compressed else "camera/image_raw"
        convert = frame_from_compressed if self._is_compressed else frame_from_image
        self._add_serialized(name, convert, self._on_image, self.camera, self.camera.topic)

    def _follow_transport(self) -> None:
        """With image_transport auto: use compressed images where they are published, else raw ones where those are."""
        if self._transport != "auto":
            return
        raw = self.camera.topic.removesuffix("/compressed") if self._is_compressed else self.camera.topic
        has_compressed, has_raw = (self._node.count_publishers(topic) > 0 for topic in (f"{raw}/compressed", raw))
        if self._is_compressed == has_compressed or not (has_compressed or has_raw):
            return
        for subscription in [other for other in self._others if other.topic_name == self.camera.topic]:
            self._node.destroy_subscription(subscription)
            self._others.remove(subscription)
        self._naps.remove(self.camera)
        self._is_compressed = has_compressed
        self.camera.topic = f"{raw}/compressed" if has_compressed else raw
        self._subscribe_images()

    def _subscribe_audio(self, reliability: ReliabilityPolicy) -> None:
        profile = QoSProfile(depth=AUDIO_DEPTH, reliability=reliability)
        overriding = QoSOverridingOptions((QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH))
        topic, group = self.microphone.topic, self._naps.sound
        self._audio = self._subscribe(self._audio_class, topic, self._on_audio, profile, overriding, group, raw=True)
        group.on_wake = self._take_sounds

    def _add(
        self, name: str, callback: Callable, profile: QoSProfile, topic: str = "",
        group: CallbackGroup | None = None, raw: bool = False,
    ) -> Subscription:  # fmt: skip
        """Subscribe to an entry of INPUTS, under `topic` where that differs from its name."""
        overriding, kind = QoSOverridingOptions.with_default_policies(), message_class(INPUTS[name])
        subscription = self._subscribe(kind, topic or name, callback, profile, overriding, group or self._group, raw)
        self._others.append(subscription)
        return subscription

    def _add_serialized(
        self, name: str, convert: Callable, append: Callable[[SerializedMessage], None], stream: Arrivals, topic=""
    ) -> None:
        """Keep messages serialized: 1080p takes milliseconds to deserialize, and one in thirty is used. `append` adds to `stream`."""
        topic = self._node.resolve_topic_name(topic or name)
        decoder, naps = MessageDecoder(message_class(INPUTS[name]), convert), self._naps.add_images(stream)
        naps.may_sleep = stream is not self.camera or not self._needs_all_images

        def take(data: bytes, info: Any) -> None:
            begin_ns = time.perf_counter_ns()
            stamp_ns = stamp_of_serialized(data)
            append(SerializedMessage(stamp_ns, data, decoder, topic))
            naps.see(stamp_ns, info)
            self.callback_ns.append(time.perf_counter_ns() - begin_ns)

        take_guarded = self._node.guard.wrap(topic, take)  # each for itself: one may be damaged

        def take_all() -> None:
            if take_waiting(subscription, take_guarded):
                self._naps.after_images(naps, self._pipeline.rules)

        def on_bytes(data: bytes, info: Any) -> None:
            take_guarded(data, info)
            take_waiting(subscription, take_guarded)
            self._naps.after_images(naps, self._pipeline.rules)

        subscription = self._add(name, on_bytes, BEST_EFFORT, topic, naps.nap, raw=True)
        naps.nap.on_wake = take_all

    def _subscribe(
        self, kind: type, topic: str, callback: Callable, profile: QoSProfile, overriding: QoSOverridingOptions,
        group: CallbackGroup, raw: bool,
    ) -> Subscription:  # fmt: skip
        on_lost = partial(self._on_lost, topic)
        return subscribe(self._node, kind, topic, callback, profile, overriding, group, on_lost, raw)

    def _on_lost(self, topic: str, event: Any) -> None:
        if (stream := self._streams.get(self._node.resolve_topic_name(topic))) is not None:
            stream.lose(time.monotonic(), event.total_count_change)

    def _on_image(self, image: SerializedMessage) -> None:
        self.camera.add(time.monotonic(), image.stamp_ns)
        self._pipeline.add_image(image)

    def _on_camera_info(self, message: CameraInfo) -> None:
        try:
            check_image_size(message.width, message.height)
            self.calibration = Camera.from_info(message)
        except ValueError as error:
            self.camera_info.refused = in_one_line(error)
            raise
        self.camera_info.refused = ""
        self.camera_info.add(time.monotonic(), stamp_of(message.header))

    def _on_distances(self, name: str, message: SerializedMessage) -> None:
        self.distances[name].add(time.monotonic(), message.stamp_ns)
        self._pipeline.add_companion(name, message)

    def _on_audio(self, data: bytes, _: Any = None) -> None:
        self._add_sound(data)
        self._take_sounds(data)

    def _take_sounds(self, newest: bytes | None = None) -> None:
        """Take all that is waiting; `newest` is a message that was taken already."""

        def take(data: bytes, _: Any) -> None:
            nonlocal newest
            newest = data
            self._add_sound(data)

        messages = int(newest is not None)
        messages += take_waiting(self._audio, take)
        if messages and self._has_stamps:
            with suppress(ValueError):  # of a damaged message, which the intake reports
                self._naps.after_sound(stamp_of_serialized(newest), messages, self._pipeline.rules)

    def _add_sound(self, data: bytes) -> None:
        begin_ns = time.perf_counter_ns()
        arrival_ns = self._node.get_clock().now().nanoseconds
        self._pipeline.add_sound(SoundMessage(self.microphone.topic, data, arrival_ns, self._intake))
        self.callback_ns.append(time.perf_counter_ns() - begin_ns)

    def _on_audio_info(self, message: Any) -> None:
        self._pipeline.add_sound(SoundDescription(self.description.topic, message, self._intake))


def _node_name(publisher: TopicEndpointInfo) -> str:
    return f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"
