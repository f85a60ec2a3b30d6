"""The node's subscriptions while it is active, those of `c3n_ros.topics.INPUTS`. Callbacks only append messages to the pipeline."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.qos import DurabilityPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy, qos_policy_name_from_kind
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
from c3n_ros.segmentation.ros_qos import offer_of, reliability_of, strongest_reliability
from c3n_ros.segmentation.segmentation_parameters import SegmentationParameters
from c3n_ros.segmentation.serialized import SerializedMessage, stamp_of_serialized
from c3n_ros.segmentation.sound_direction import DirectionInput
from c3n_ros.topics import INPUTS

try:
    from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks, UnsupportedEventTypeError
IMAGE_DEPTH, AUDIO_DEPTH = 10, 200  # messages that may wait in DDS; for sound two seconds of 10 ms messages
MAX_DURATIONS = 10_000  # of callbacks, for their percentiles
BEST_EFFORT = QoSProfile(depth=IMAGE_DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Inputs:
    """Subscriptions that exist from `open` to `close`. All of it runs in the executor's thread; `calibration` may be read by others."""

    def __init__(self, node: Guarded, settings: SegmentationParameters, pipeline: Pipeline):
        """Raises ValueError if the message type of the sound is not installed, or what `load_array` raises."""
        self._node, self._pipeline = node, pipeline
        self._audio_class = audio_class(settings.audio_msg_type)
        self._audio: Subscription | None = None
        self._others: list[Subscription] = []
        image_topic = node.resolve_topic_name("camera/image_raw")
        self._transport = settings.image_transport
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
        self._subscribe_images()
        self._add_serialized("camera/depth", decode_depth, partial(self._on_distances, "depth"))
        self._add_serialized("camera/points", decode_points, partial(self._on_distances, "points"))
        self._add("camera/camera_info", self._on_camera_info, BEST_EFFORT)
        self._add("audio/direction", self.direction.on_pose, BEST_EFFORT)
        if has_audio_info():
            self._add("audio/audio_info", self._on_audio_info, LATCHED)
        self._subscribe_audio(self._audio_reliability())
        self.check_publishers()

    def close(self) -> None:
        """Unsubscribe."""
        for subscription in filter(None, [self._audio, *self._others]):
            self._node.destroy_subscription(subscription)
        self._audio, self._others = None, []

    def check_publishers(self) -> None:
        """Update the publishers of each topic, and subscribe to the sound again if their reliability changed.

        To be called about once a second while open.
        """
        self._follow_transport()
        reliability = self._audio_reliability()
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
        self._add_serialized(name, convert, self._on_image, self.camera.topic)

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
        self._is_compressed = has_compressed
        self.camera.topic = f"{raw}/compressed" if has_compressed else raw
        self._subscribe_images()

    def _audio_reliability(self) -> ReliabilityPolicy:
        """Return the reliability to request for the sound: by default (`auto`) the best that all its publishers offer.

        The parameter is declared here because rclpy's own would keep the first choice for ever.
        """
        name = f"qos_overrides.{self.microphone.topic}.subscription.reliability"
        if not self._node.has_parameter(name):
            description = "reliability of the sound: reliable, best_effort or auto (the best that all publishers offer)"
            self._node.declare_parameter(name, "auto", ParameterDescriptor(description=description, read_only=True))
        value = self._node.get_parameter(name).value
        if value != "auto":
            return reliability_of(name, value)
        publishers = self._node.get_publishers_info_by_topic(self.microphone.topic)
        return strongest_reliability(publisher.qos_profile.reliability for publisher in publishers)

    def _subscribe_audio(self, reliability: ReliabilityPolicy) -> None:
        profile = QoSProfile(depth=AUDIO_DEPTH, reliability=reliability)
        overriding = QoSOverridingOptions((QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH))
        topic = self.microphone.topic
        self._audio = self._subscribe(self._audio_class, topic, self._on_audio, profile, overriding, raw=True)

    def _add(self, name: str, callback: Callable, profile: QoSProfile, topic: str = "", raw: bool = False) -> None:
        """Subscribe to an entry of INPUTS, under `topic` where that differs from its name."""
        overriding = QoSOverridingOptions.with_default_policies()
        kind, topic = message_class(INPUTS[name]), topic or name
        self._others.append(self._subscribe(kind, topic, callback, profile, overriding, raw))

    def _add_serialized(
        self, name: str, convert: Callable, append: Callable[[SerializedMessage], None], topic: str = ""
    ) -> None:
        """Keep messages serialized: 1080p takes milliseconds to deserialize, and one in thirty is used."""
        topic = self._node.resolve_topic_name(topic or name)
        decoder = MessageDecoder(message_class(INPUTS[name]), convert)

        def on_bytes(data: bytes) -> None:
            begin_ns = time.perf_counter_ns()
            append(SerializedMessage(stamp_of_serialized(data), data, decoder, topic))
            self.callback_ns.append(time.perf_counter_ns() - begin_ns)

        self._add(name, on_bytes, BEST_EFFORT, topic, raw=True)

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
            self._node.get_logger().warning(
                f"a publisher on {topic} offers an incompatible {policy}: nothing is received from it"
            )

        def create(**events: Callable) -> Subscription:
            return self._node.create_subscription(
                kind,
                topic,
                callback,
                copy(profile),  # rclpy writes overrides into it
                callback_group=self._group,
                event_callbacks=SubscriptionEventCallbacks(incompatible_qos=on_incompatible, **events),
                qos_overriding_options=overriding,
                raw=raw,
            )

        try:
            return create(message_lost=partial(self._on_lost, topic))
        except UnsupportedEventTypeError:  # not every middleware counts lost messages
            return create()

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

    def _on_audio(self, data: bytes) -> None:
        self._add_sound(data)
        # The executor takes one message of a topic per round, and a round with a large image is long on a busy machine:
        # take what else has arrived now, or DDS would have to drop it.
        with self._audio.handle:
            while (taken := self._audio.handle.take_message(self._audio_class, True)) is not None:
                self._add_sound(taken[0])

    def _add_sound(self, data: bytes) -> None:
        begin_ns = time.perf_counter_ns()
        arrival_ns = self._node.get_clock().now().nanoseconds
        self._pipeline.add_sound(SoundMessage(self.microphone.topic, data, arrival_ns, self._intake))
        self.callback_ns.append(time.perf_counter_ns() - begin_ns)

    def _on_audio_info(self, message: Any) -> None:
        self._pipeline.add_sound(SoundDescription(self.description.topic, message, self._intake))


def _node_name(publisher: TopicEndpointInfo) -> str:
    return f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"
