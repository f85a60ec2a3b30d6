"""Run a node as a process, with one log line if it cannot start and a clean exit on SIGINT and SIGTERM.

Signals set a flag that is checked between callbacks. rclpy's own handlers shut the context down asynchronously: measured on a
busy machine with Jazzy, one SIGTERM in ten was lost between a check and an unlimited wait, and sometimes a wait began after the
context was shut down.
"""

from __future__ import annotations

import gc
import signal
import sys
import threading
from collections.abc import Callable

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from c3n_ros.health.ros_parameter_check import unused_parameters

LONGEST_WAIT_S = 0.2  # how often a waiting node checks the flag
# How long a thread may keep the interpreter lock; Python's default of 5 ms is half the length of a sound message.
SWITCH_INTERVAL_S = 0.0005


def run(name: str, work: Callable[[threading.Event], int | None]) -> int:
    """Call `work(stop)` with rclpy initialised; a signal sets `stop`. To be called in the main thread.

    Returns the exit status: that of `work` (0 for None), or 1 with one fatal log line under `name` if the command line cannot
    be parsed or `work` raised ValueError, OSError or rclpy's ParameterException.
    """
    try:
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:  # from rcl: a missing parameter file, an argument that cannot be parsed
        rclpy.logging.get_logger(name).fatal(" ".join(str(error).split()))
        return 1
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        return work(stop) or 0
    except (ValueError, OSError, ParameterException) as error:
        rclpy.logging.get_logger(name).fatal(str(error))
        return 1
    finally:
        rclpy.shutdown()
        # The interpreter's last collection visits the 400,000 objects of torch and rclpy: 1.4 s of CPU time, against 0.2 s
        # without them. On a busy machine that exceeds the timeout of `ros2 launch`, which then sends SIGTERM.
        gc.freeze()


def warn_of_unused_parameters(node: Node) -> None:
    """Log one line if the node was started with parameters that it does not know. `spin` does so."""
    if unused := unused_parameters(node):
        node.get_logger().warning(unused)


def spin(node: Node, stop: threading.Event) -> None:
    """Run the callbacks of `node` until `stop` is set."""
    warn_of_unused_parameters(node)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while not stop.is_set():
        executor.spin_once(timeout_sec=LONGEST_WAIT_S)
