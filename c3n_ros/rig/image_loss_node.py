"""Measures the loss of large images with this machine's settings. Two processes: one sends, one counts.

python -m c3n_ros.rig.image_loss_node                                             # 1920x1080 at 30 Hz, ten seconds
FASTRTPS_DEFAULT_PROFILES_FILE=config/fastdds_large_images.xml python -m c3n_ros.rig.image_loss_node
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from array import array

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from c3n_model.messages.stamps import stamp_of
from c3n_ros.messages.conversions import time_message
from c3n_ros.run_node import run, spin

TOPIC = "image_loss/image_raw"
PROFILE = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)  # as cameras offer and the node requests
DISCOVERY_TIMEOUT_S = 30.0


class ImageCounter(Node):
    """Records the latency of each image that arrives; both processes share the wall clock."""

    def __init__(self) -> None:
        super().__init__("image_counter")
        self.latencies_s: list[float] = []
        self.create_subscription(Image, TOPIC, self._on_image, PROFILE)

    def _on_image(self, message: Image) -> None:
        self.latencies_s.append((time.time_ns() - stamp_of(message.header)) / 1e9)


def send(node: Node, width: int, height: int, rate_hz: float, count: int) -> None:
    """Publish `count` bgr8 images at a steady rate, once there is a subscriber.

    Raises:
        ValueError: no subscriber in time.
    """
    publisher = node.create_publisher(Image, TOPIC, PROFILE)
    deadline_s = time.monotonic() + DISCOVERY_TIMEOUT_S
    while publisher.get_subscription_count() == 0:
        if time.monotonic() > deadline_s:
            raise ValueError(f"no subscriber on {TOPIC} within {DISCOVERY_TIMEOUT_S:.0f} s: is discovery blocked?")
        time.sleep(0.05)
    time.sleep(0.5)  # the graph lists a subscriber slightly before it is connected
    message = Image(width=width, height=height, encoding="bgr8", step=3 * width)
    message.data = array("B", bytes(3 * width * height))
    begin_s = time.monotonic()
    for number in range(count):
        time.sleep(max(begin_s + number / rate_hz - time.monotonic(), 0))
        message.header.stamp = time_message(time.time_ns())
        publisher.publish(message)


def describe(latencies_s: list[float], count: int, cpu_s: float) -> str:
    """Return one line: how many of `count` images arrived, their latency, and the CPU time of receiving."""
    received = f"received {len(latencies_s)} of {count} images ({len(latencies_s) / count:.0%})"
    if not latencies_s:
        return f"{received}; see config/fastdds_large_images.xml"
    p50, p95 = np.percentile(1000 * np.array(latencies_s), (50, 95))
    return f"{received}, latency median {p50:.1f} ms, 95 % {p95:.1f} ms, receiver's CPU {cpu_s:.1f} s"


def _size(text: str) -> tuple[int, int]:
    width, height = map(int, text.split("x"))
    return width, height


def main() -> int:
    """Send and count; print the line of `describe`."""
    parser = argparse.ArgumentParser(prog="python -m c3n_ros.rig.image_loss_node", description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=_size, default=(1920, 1080), metavar="WIDTHxHEIGHT", help="default 1920x1080")
    parser.add_argument("--rate", type=float, default=30.0, help="images per second (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="duration of the test (default %(default)s)")
    parser.add_argument("--send", action="store_true", help=argparse.SUPPRESS)  # the second process
    options = parser.parse_args()
    count = round(options.rate * options.seconds)

    def work(stop: threading.Event) -> None:
        if options.send:
            send(rclpy.create_node("image_sender"), *options.size, options.rate, count)
            return
        counter = ImageCounter()
        cpu_s = time.process_time()
        sender = subprocess.Popen([sys.executable, "-m", "c3n_ros.rig.image_loss_node", "--send", *sys.argv[1:]])
        threading.Thread(target=lambda: (sender.wait(), time.sleep(1), stop.set()), daemon=True).start()
        spin(counter, stop)
        if sender.poll() is None:
            sender.terminate()
        print(describe(counter.latencies_s, count, time.process_time() - cpu_s))

    return run("image_loss", work)


if __name__ == "__main__":
    raise SystemExit(main())
