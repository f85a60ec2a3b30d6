"""Plays a recorded bag as live topics, for machines without `ros2 bag play`.

The messages go out as the bytes that were recorded, with the bag's timing. Every topic whose message type is installed is
published reliably, which matches both reliable and best-effort subscribers; an AudioInfo and everything recorded as transient
local are latched. The node ends with the bag.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.interfaces import Connection
from rosbags.interfaces import QosDurability as RecordedDurability

from c3n_model.sources.bag_storage import open_bag
from c3n_ros.messages.message_types import message_class
from c3n_ros.parameters import declare
from c3n_ros.run_node import LONGEST_WAIT_S, run, warn_of_unused_parameters

QUEUE_DEPTH = 200
ACKNOWLEDGE_TIMEOUT_S = 5
# Discovery is not symmetric: a subscriber may be matched here before it is matched there.
SETTLE_S = 3.0


class PlaybackNode(Node):
    """Publishes one bag. `play` blocks; the node need not be spun."""

    def __init__(self, stop: threading.Event) -> None:
        """`stop` ends playback early. Raises ValueError if the bag cannot be read or none of its topics can be published."""
        super().__init__("playback")
        self._stop = stop
        self._path = Path(self.declare_parameter("bag", "").value)
        self._rate = declare(self, "rate", 1.0)
        self._loop = self.declare_parameter("loop", False).value
        self._wait_topics = self.declare_parameter("wait_topics", [""]).value
        self._wait_timeout_s = declare(self, "wait_timeout_s", 10.0)
        if self._rate <= 0:
            raise ValueError(f"expected a rate above 0, got {self._rate}: 1.0 plays at the recorded rate")
        if not self._path.name:
            raise ValueError("no bag given: set its folder with --ros-args -p bag:=FOLDER")
        self._publishers_by_topic: dict[str, Publisher] = {}
        with open_bag(self._path) as reader:
            for connection in reader.connections:
                self._add_publisher(connection)
            self._begin_ns = reader.start_time
        if not self._publishers_by_topic:
            raise ValueError(f"no message type in '{self._path}' is installed in this workspace")

    def _add_publisher(self, connection: Connection) -> None:
        try:
            kind = message_class(connection.msgtype)
        except ValueError as error:
            self.get_logger().warning(f"{connection.topic} is not played: {error}")
            return
        latched = connection.msgtype.endswith("/AudioInfo") or any(
            profile.durability == RecordedDurability.TRANSIENT_LOCAL for profile in connection.ext.offered_qos_profiles
        )
        profile = QoSProfile(
            depth=QUEUE_DEPTH,
            reliability=ReliabilityPolicy.RELIABLE,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )
        self._publishers_by_topic[connection.topic] = self.create_publisher(kind, connection.topic, profile)

    def play(self) -> None:
        """Wait for the subscribers, publish all messages (repeatedly with `loop`), wait until they are acknowledged."""
        self._wait_for_subscribers()
        self._stop.wait(SETTLE_S)
        count = self._play_once()
        if not count and not self._stop.is_set():
            raise ValueError(
                f"expected messages in '{self._path}', got 0 of its {len(self._publishers_by_topic)} topics"
            )
        while self._loop and not self._stop.is_set():
            count += self._play_once()
        if not self._stop.is_set():
            for publisher in self._publishers_by_topic.values():
                publisher.wait_for_all_acked(Duration(seconds=ACKNOWLEDGE_TIMEOUT_S))
        self.get_logger().info(f"played {count} messages of {len(self._publishers_by_topic)} topics")

    def _wait_for_subscribers(self) -> None:
        awaited = [topic for topic in self._wait_topics if topic] or list(self._publishers_by_topic)
        deadline = time.monotonic() + self._wait_timeout_s
        while missing := [topic for topic in awaited if not self._has_subscriber(topic)]:
            if time.monotonic() > deadline:
                self.get_logger().warning(f"no subscriber on {', '.join(missing)}: playing anyway")
                return
            if self._stop.wait(LONGEST_WAIT_S):
                return

    def _has_subscriber(self, topic: str) -> bool:
        publisher = self._publishers_by_topic.get(topic)
        return publisher is not None and publisher.get_subscription_count() > 0

    def _play_once(self) -> int:
        count, begin_s = 0, time.monotonic()
        for connection, stamp_ns, message_bytes in self._recorded():
            due_s = begin_s + (stamp_ns - self._begin_ns) / 1e9 / self._rate
            if self._stop.wait(max(due_s - time.monotonic(), 0)):
                break
            self._publishers_by_topic[connection.topic].publish(bytes(message_bytes))
            count += 1
        return count

    def _recorded(self) -> Iterator[tuple[Connection, int, bytes]]:
        with open_bag(self._path) as reader:
            played = [connection for connection in reader.connections if connection.topic in self._publishers_by_topic]
            yield from reader.messages(connections=played)


def main() -> int:
    """Play one bag; return 0 after it was played or a signal, 1 after one line if it could not be played."""

    def work(stop: threading.Event) -> int:
        node = PlaybackNode(stop)
        warn_of_unused_parameters(node)
        return node.play()

    return run("playback", work)


if __name__ == "__main__":
    raise SystemExit(main())
