"""Camera, microphone and subscriber of a soak: sends messages with the current faults, and records windows."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image

from c3n_model.messages.stamps import nanoseconds, stamp_of
from c3n_model.types import NANOSECONDS_PER_SECOND
from c3n_ros.msg import SoundingObjects
from c3n_ros.rig.soak_faults import clock_offsets, deliveries
from c3n_ros.rig.soak_messages import CHUNK_S, ENCODINGS, FORMATS, HEIGHT, IMAGE_RATE, SIZES, WIDTH, Camera, Microphone
from c3n_ros.rig.soak_report import Journal, Published

BEST_EFFORT = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
REACTIVATION = (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_ACTIVATE)
SEGMENTATION_NODE = "/segmentation"


class SoakSensors(Node):
    """Sends sound and images on the node's default topics. Times are seconds of the soak, by the caller's clock.

    `fault` is the kind of fault that messages suffer from now on, None for none. `is_active` is what the segmentation node's
    diagnostics say; the caller sets it to false when it ends the node's process.
    """

    def __init__(self, seed: int, begin_ns: int, journal: Journal, now_s: Callable[[], float]):
        """`begin_ns` is the stamp of second 0, a whole second."""
        super().__init__("soak")
        self.fault: str | None = None
        self.is_active, self.life = False, 0
        self._journal, self._now_s = journal, now_s
        self._random = np.random.default_rng([seed, 3])
        self._offsets: Iterator[int] = clock_offsets(seed, begin_ns)
        self._seen_offsets_ns = [next(self._offsets)]
        self._camera, self._microphone = Camera(), Microphone()
        self._formats = [Microphone(*each) for each in FORMATS]
        self._size, self._encoding = (HEIGHT, WIDTH), "rgb8"
        self._next_image = self._next_chunk = 0
        self._held: list[tuple[float, int, bool, bytes]] = []
        self._order = count()
        self._images: Publisher | None = None
        self._sound: Publisher | None = None
        self._infos: Publisher | None = None
        self.open_camera()
        self.open_microphone()
        self.create_subscription(SoundingObjects, "sounding_object/objects", self._on_objects, 10)
        self.create_subscription(Image, "sounding_object/mask", self._on_mask, 10)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        self._states = self.create_client(ChangeState, f"{SEGMENTATION_NODE}/change_state")

    def open_camera(self) -> None:
        """Create the camera's publisher."""
        self._images = self.create_publisher(Image, "camera/image_raw", BEST_EFFORT)

    def close_camera(self) -> None:
        """Destroy the camera's publisher."""
        self.destroy_publisher(self._images)
        self._images = None

    def open_microphone(self, microphone: Microphone | None = None) -> None:
        """Create the microphone's publishers, of the usual or of another format."""
        self._current = microphone or self._microphone
        self._sound = self.create_publisher(self._current.messages.stamped_type, "audio/audio_stamped", 100)
        if (info := self._current.messages.info()) is not None:
            self._infos = self.create_publisher(type(info), "audio/audio_info", LATCHED)
            self._infos.publish(info)

    def close_microphone(self) -> None:
        """Destroy the microphone's publishers."""
        for publisher in filter(None, (self._sound, self._infos)):
            self.destroy_publisher(publisher)
        self._sound = self._infos = None

    def vary_images(self, kind: str | None) -> None:
        """Send images of another size ("resized") or encoding ("encoding") from now on, or the usual ones."""
        self._size, self._encoding = (HEIGHT, WIDTH), "rgb8"
        if kind == "resized":
            self._size = SIZES[self._random.integers(len(SIZES))]
        elif kind == "encoding":
            self._encoding = ENCODINGS[self._random.integers(len(ENCODINGS))]

    def vary_sound(self) -> None:
        """Describe and send sound in another format from now on."""
        self.describe_sound(self._formats[self._random.integers(len(self._formats))])

    def describe_sound(self, microphone: Microphone | None = None) -> None:
        """Publish the AudioInfo of a format, by default the usual one, and send such sound from now on."""
        self._current = microphone or self._microphone
        if self._infos is not None:
            self._infos.publish(self._current.messages.info())

    def jump(self) -> None:
        """Make the clock of all later stamps jump."""
        self._seen_offsets_ns.append(next(self._offsets))

    def reactivate(self, done: Callable[[bool], None]) -> None:
        """Deactivate and activate the segmentation node; `done` is called with whether that succeeded."""

        def step(position: int) -> None:
            request = ChangeState.Request(transition=Transition(id=REACTIVATION[position]))

            def answered(future) -> None:
                succeeded = future.result() is not None and future.result().success
                if succeeded and position + 1 < len(REACTIVATION):
                    step(position + 1)
                else:
                    done(succeeded)

            self._states.call_async(request).add_done_callback(answered)

        step(0)

    @property
    def held_s(self) -> float:
        """How long until the last message that is held now will be sent."""
        return max((due_s for due_s, *_ in self._held), default=0.0) - self._now_s()

    def send_due(self) -> float:
        """Send what is due; return the time at which the most delayed of it was due."""
        now_s = self._now_s()
        due_s = min(self._next_image / IMAGE_RATE, (self._next_chunk + 1) * CHUNK_S)
        while self._next_image / IMAGE_RATE <= now_s:
            stamp_ns = self._stamp_ns(self._next_image / IMAGE_RATE)
            self._deliver(False, self._camera.message(self._next_image, stamp_ns, self._size, self._encoding), now_s)
            self._next_image += 1
        while (self._next_chunk + 1) * CHUNK_S <= now_s:  # a chunk is sent when its last sample is over
            self._deliver(
                True, self._current.message(self._next_chunk, self._stamp_ns(self._next_chunk * CHUNK_S)), now_s
            )
            self._next_chunk += 1
        while self._held and self._held[0][0] <= now_s:
            _, _, is_sound, message = heapq.heappop(self._held)
            publisher = self._sound if is_sound else self._images
            if publisher is not None:
                publisher.publish(message)
        return min(due_s, now_s)

    def _stamp_ns(self, at_s: float) -> int:
        return self._seen_offsets_ns[-1] + round(at_s * NANOSECONDS_PER_SECOND)

    def _deliver(self, is_sound: bool, message, now_s: float) -> None:
        for delay_s, sent in deliveries(self.fault, serialize_message(message), is_sound=is_sound, random=self._random):
            heapq.heappush(self._held, (now_s + delay_s, next(self._order), is_sound, sent))

    def _on_objects(self, message: SoundingObjects) -> None:
        second = self._second(nanoseconds(message.window_start))
        if second is None:
            self._journal.foreign_windows += 1
        else:
            image_ns = stamp_of(message.header)
            window = Published(second, self._now_s(), message.heard, message.dropped_windows, self.life, image_ns)
            self._journal.windows.append(window)

    def _on_mask(self, message: Image) -> None:
        if self._second(stamp_of(message.header)) is not None:
            self._journal.masks.append(stamp_of(message.header))

    def _second(self, stamp_ns: int) -> int | None:
        """Return the second of the soak to which a stamp belongs; None for one that was not sent."""
        seconds = ((stamp_ns - offset_ns) // NANOSECONDS_PER_SECOND for offset_ns in self._seen_offsets_ns)
        return next((second for second in seconds if 0 <= second <= math.ceil(self._now_s())), None)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.endswith(": node"):
                states = [value.value for value in status.values if value.key == "state"]
                self.is_active = states == ["active"]
