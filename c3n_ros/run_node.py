"""Runs a node as a process: one line where it cannot start, a clean end on SIGINT and SIGTERM.

Signals become a flag that is looked at between two callbacks. rclpy's own handlers shut the context down in the middle of
things: measured on a busy machine with Jazzy, one SIGTERM in ten was lost between a check and an endless wait, and now and
then a wait began with the context already gone.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

LONGEST_WAIT_S = 0.2  # a node that waits looks at the flag this often
# How long one thread of Python may let another wait that could run; Python's own 5 ms are half a piece of sound.
SWITCH_INTERVAL_S = 0.0005


def run(name: str, work: Callable[[threading.Event], int | None]) -> int:
    """Call `work(stop)` with rclpy initialised; `stop` is set by a signal. To be called in the main thread.

    Returns the exit status: that of `work` (0 for None), or 1 with one fatal line under `name` where the command line cannot
    be parsed or `work` raised ValueError, OSError or rclpy's ParameterException.
    """
    try:
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:  # rcl's own: a parameter file that is missing, an argument it cannot parse
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


def spin(node: Node, stop: threading.Event) -> None:
    """Serve the callbacks of `node` until `stop` is set."""
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while not stop.is_set():
        executor.spin_once(timeout_sec=LONGEST_WAIT_S)
