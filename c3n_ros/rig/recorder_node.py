"""Records topics into a bag, for machines without `ros2 bag record`.

Messages are written as the bytes that arrive, with their time of arrival; types are written with their definitions, so that any
reader can open the bag. SIGINT and SIGTERM close it properly. Every `COMMIT_S` the messages so far are written to disk: after
a SIGKILL or a power cut all older ones are readable (`c3n segment`, `mcap recover`, sqlite3).
"""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosbags.interfaces import Connection
from rosbags.rosbag2 import WriterError

from c3n_model.sources.safe_writer import SafeWriter
from c3n_ros.health.ros_guard import Guarded
from c3n_ros.messages.message_types import message_class
from c3n_ros.rig.bag_definitions import installed_types
from c3n_ros.run_node import run, spin

QUEUE_DEPTH = 200
COMMIT_S = 0.5  # half of what may be lost, so that a slow disk or a busy executor has as much time again
RELIABILITY = {"reliable": ReliabilityPolicy.RELIABLE, "best_effort": ReliabilityPolicy.BEST_EFFORT}


class RecorderNode(Guarded, Node):
    """Records until `close`. Callbacks run in the executor's thread."""

    def __init__(self) -> None:
        """Raises ValueError for an invalid parameter, a type that is not installed or an existing bag."""
        super().__init__("recorder")
        path = Path(self.declare_parameter("output", "recording").value)
        topics = [entry for entry in self.declare_parameter("topics", [""]).value if entry]
        storage = self.declare_parameter("storage", "mcap").value
        reliability = _choice("reliability", self.declare_parameter("reliability", "reliable").value, RELIABILITY)
        types_by_topic = dict(map(_topic_and_type, topics))
        if not types_by_topic:
            raise ValueError("no topics given: set them with -p topics:=\"['/name:package/msg/Type']\"")
        typestore = installed_types(list(types_by_topic.values()))
        self._counts = dict.fromkeys(types_by_topic, 0)
        self._path = path
        try:
            self._writer = SafeWriter(path, storage)
            self._writer.open()
        except (WriterError, OSError) as error:
            raise ValueError(f"cannot write a bag to '{path}': {error}") from None
        profile = QoSProfile(depth=QUEUE_DEPTH, reliability=reliability)
        for topic, type_name in types_by_topic.items():
            connection = self._writer.add_connection(topic, type_name, typestore=typestore)
            self.create_subscription(
                message_class(type_name), topic, partial(self._write, connection), profile, raw=True
            )
        self.create_timer(COMMIT_S, self._writer.commit)
        self.get_logger().info(f"recording {', '.join(types_by_topic)} into {path}")

    def _write(self, connection: Connection, message_bytes: bytes, _: Any) -> None:
        self._writer.write(connection, time.time_ns(), message_bytes)
        self._counts[connection.topic] += 1

    def close(self) -> bool:
        """Finish the bag and log its contents. Return whether all received messages were recorded."""
        self._writer.close()
        counts = ", ".join(f"{topic} {count}" for topic, count in self._counts.items())
        self.get_logger().info(f"recorded into {self._path}: {counts}")
        for source, failure in self.guard.failures.items():
            self.get_logger().error(
                f"not recorded: {failure.count} messages of {source}, the last one because of: {failure.cause}"
            )
        return not self.guard.failures


def _choice(name: str, value: str, choices: dict):
    if value not in choices:
        raise ValueError(f"expected {name} to be one of {', '.join(choices)}, got {value!r}")
    return choices[value]


def _topic_and_type(entry: str) -> tuple[str, str]:
    topic, separator, type_name = entry.partition(":")
    if not separator:
        raise ValueError(f"expected a topic with its type like /name:sensor_msgs/msg/Image, got {entry!r}")
    return topic, type_name


def main() -> int:
    """Record until a signal; return 0 for a complete bag, 1 after one line if messages are missing or it could not start."""

    def work(stop: threading.Event) -> int:
        node = RecorderNode()
        spin(node, stop)
        return 0 if node.close() else 1

    return run("recorder", work)


if __name__ == "__main__":
    raise SystemExit(main())
