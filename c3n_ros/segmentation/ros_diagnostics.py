"""What `health` says, on /diagnostics once a second, and in the log where nothing comes out of the node."""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.utilities import get_rmw_implementation_identifier

from c3n_ros.health.arrivals import Arrivals
from c3n_ros.health.guard import Failure
from c3n_ros.health.health import Health
from c3n_ros.health.status import Level, Status
from c3n_ros.messages.conversions import diagnostics_message
from c3n_ros.segmentation.pipeline import Pipeline
from c3n_ros.segmentation.ros_inputs import Inputs

REPEAT_AFTER_S = 10.0


class Diagnostics:
    """Owns the node's `Health` and its topic, for as long as there is the node."""

    def __init__(self, node: Node):
        self._node = node
        self._publisher = node.create_publisher(
            DiagnosticArray,
            "/diagnostics",
            QoSProfile(depth=5),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self.health = Health(camera=Arrivals(""), microphone=Arrivals(""), rmw=get_rmw_implementation_identifier())

    def listen_to(self, inputs: Inputs, pipeline: Pipeline) -> None:
        """From here on it is these that `health` is about."""
        self.health.camera, self.health.microphone = inputs.camera, inputs.microphone
        self.health.description, self.health.counts = inputs.description, pipeline.counts
        self.health.listening_since_s = time.monotonic()

    def report(self, inputs: Inputs | None, pipeline: Pipeline | None, failures: dict[str, Failure]) -> None:
        """Publish how things are, and say so where it costs masks. `failures` are the guard's."""
        self.health.failures, self.health.publishers = failures, inputs.publishers if inputs is not None else {}
        statuses = self.health.summarise(time.monotonic())
        if inputs is not None and pipeline is not None:
            statuses[0].values.update(load_values(inputs, pipeline))
        now_ns = self._node.get_clock().now().nanoseconds
        name = self._node.get_fully_qualified_name().lstrip("/")
        self._publisher.publish(diagnostics_message(statuses, now_ns, name))
        if statuses[-1].level == Level.ERROR:
            text = _in_words(statuses)
            self._node.get_logger().warning(text, throttle_duration_sec=REPEAT_AFTER_S)


def load_values(inputs: Inputs, pipeline: Pipeline) -> dict[str, str]:
    """What the callbacks cost and what waits."""
    dropped = pipeline.dropped
    values = {f"waiting {name}": str(count) for name, count in pipeline.waiting.items()}
    values |= {f"dropped {name}": str(count) for name, count in vars(dropped).items()}
    if inputs.callback_ns:
        p50, p99 = np.percentile(list(inputs.callback_ns), (50, 99)) / 1e6
        values |= {"callback p50": f"{p50:.3f} ms", "callback p99": f"{p99:.3f} ms"}
    return values


def _in_words(statuses: Iterable[Status]) -> str:
    """The last status, which is that of the windows, and all others that are not well."""
    *others, windows = statuses
    causes = [f"{status.name}: {status.message}" for status in others if status.level in (Level.WARN, Level.ERROR)]
    return "; ".join([windows.message, *causes])
