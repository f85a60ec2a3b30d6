"""SIGINT and SIGTERM as a flag that a node looks at between two callbacks.

rclpy's own handlers shut the context down in the middle of things: measured on a busy machine with Jazzy, one SIGTERM in ten
was lost between a check and an endless wait, and now and then a wait began with the context already gone.
"""

from __future__ import annotations

import signal
import threading

LONGEST_WAIT_S = 0.2  # a node that waits looks at the flag this often


def stop_on_signals() -> threading.Event:
    """An event that SIGINT and SIGTERM set from now on. Call it in the main thread, with rclpy's handlers switched off."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
