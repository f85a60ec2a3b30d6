"""Publishes the node's health on /diagnostics once a second, and logs it while the node publishes no masks."""

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
from c3n_ros.health.diagnostics import Health
from c3n_ros.health.guard import Failure
from c3n_ros.health.status import Level, Status
from c3n_ros.messages.conversions import diagnostics_message
from c3n_ros.segmentation.pipeline import Pipeline
from c3n_ros.segmentation.ros_inputs import Inputs
from c3n_ros.topics import DIAGNOSTICS

REPEAT_AFTER_S = 10.0


class Diagnostics:
    """Owns the node's `Health` and the publisher of /diagnostics, in every state of the node."""

    def __init__(self, node: Node):
        self._node = node
        self._publisher = node.create_publisher(
            DiagnosticArray,
            DIAGNOSTICS,
            QoSProfile(depth=5),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self.health = Health(camera=Arrivals(""), microphone=Arrivals(""), rmw=get_rmw_implementation_identifier())

    def watch(self, inputs: Inputs, pipeline: Pipeline) -> None:
        """Report on these inputs and this pipeline from now on."""
        self.health.camera, self.health.microphone = inputs.camera, inputs.microphone
        self.health.description, self.health.counts = inputs.description, pipeline.counts
        self.health.camera_info, self.health.distances = inputs.camera_info, inputs.distances
        self.health.listening_since_s = time.monotonic()

    def report(self, inputs: Inputs | None, pipeline: Pipeline | None, failures: dict[str, Failure]) -> None:
        """Publish all statuses, and log them if no windows are published. `failures` are the guard's."""
        self.health.failures, self.health.publishers = failures, inputs.publishers if inputs is not None else {}
        statuses = self.health.summarise(time.monotonic())
        if inputs is not None and pipeline is not None:
            statuses[0].values.update(load_values(inputs, pipeline))
        now_ns = self._node.get_clock().now().nanoseconds
        name = self._node.get_fully_qualified_name().lstrip("/")
        self._publisher.publish(diagnostics_message(statuses, now_ns, name))
        if statuses[-1].level == Level.ERROR:
            text = _summary(statuses)
            self._node.get_logger().warning(text, throttle_duration_sec=REPEAT_AFTER_S)


def load_values(inputs: Inputs, pipeline: Pipeline) -> dict[str, str]:
    """Return durations of callbacks, and lengths of queues, as text."""
    dropped = pipeline.dropped
    values = {f"waiting {name}": str(count) for name, count in pipeline.waiting.items()}
    values |= {f"dropped {name}": str(count) for name, count in vars(dropped).items()}
    if inputs.callback_ns:
        p50, p99 = np.percentile(list(inputs.callback_ns), (50, 99)) / 1e6
        values |= {"callback p50": f"{p50:.3f} ms", "callback p99": f"{p99:.3f} ms"}
    return values


def _summary(statuses: Iterable[Status]) -> str:
    """Return the message of the last status, that of the windows, and of all others that are not OK."""
    *others, windows = statuses
    causes = [f"{status.name}: {status.message}" for status in others if status.level in (Level.WARN, Level.ERROR)]
    return "; ".join([windows.message, *causes])
