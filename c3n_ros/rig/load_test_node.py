"""The processes of `c3n_ros.rig.load_test`: `camera`, `microphone`, and `segmentation`, the node with a slowed network.

Each prints what it counted as one line of JSON when it ends.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from array import array
from collections.abc import Callable
from functools import partial

import audio_common_msgs.msg
import numpy as np
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from c3n_model.streaming.session import Session
from c3n_ros.messages.audio_messages import SoundMessages
from c3n_ros.messages.conversions import time_message
from c3n_ros.run_node import run, spin
from c3n_ros.segmentation_node import SegmentationNode

SAMPLE_RATE, CHANNELS, CHUNK_S = 48_000, 2, 0.01
SETTLE_S = 3.0  # after activation, before anything is counted


def main() -> int:
    """Run one role until a signal, or `segmentation` until all measurements are done."""
    parser = argparse.ArgumentParser(prog="python -m c3n_ros.rig.load_test_node", description=__doc__.splitlines()[0])
    parser.add_argument("role", choices=("camera", "microphone", "segmentation"))
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--pause", type=float, default=3.0)
    parser.add_argument("--rate", type=float, default=30.0)
    parser.add_argument("--size", type=size, default=(1920, 1080))
    arguments, _ = parser.parse_known_args()
    roles = {"camera": partial(camera, arguments.rate, *arguments.size), "microphone": microphone}
    roles["segmentation"] = partial(segmentation, arguments)
    return run(f"load_{arguments.role}", roles[arguments.role])


def size(text: str) -> tuple[int, int]:
    """Return width and height from text such as "1920x1080"."""
    width, height = map(int, text.split("x"))
    return width, height


def camera(images_per_s: float, width: int, height: int, stop: threading.Event) -> None:
    """Publish bgr8, best effort."""
    node = Node("load_camera")
    publisher = node.create_publisher(
        Image, "camera/image_raw", QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
    )
    message = Image(height=height, width=width, encoding="bgr8", step=width * 3)
    message.header.frame_id = "load_optical"
    noise = np.random.default_rng(0).integers(0, 256, height * width * 3, np.uint8)
    message.data = array("B", noise.tobytes())

    def publish(stamp_ns: int) -> None:
        message.header.stamp = time_message(stamp_ns)
        publisher.publish(message)

    print(json.dumps({"images sent": _pace(1 / images_per_s, publish, stop)}), flush=True)


def microphone(stop: threading.Event) -> None:
    """Publish 48 kHz stereo in messages of 10 ms, reliable, with its AudioInfo."""
    node = Node("load_microphone")
    messages = SoundMessages(audio_common_msgs.msg, SAMPLE_RATE, CHANNELS)
    publisher = node.create_publisher(messages.stamped_type, "audio/audio_stamped", 100)
    if messages.info() is not None:
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        info = node.create_publisher(audio_common_msgs.msg.AudioInfo, "audio/audio_info", latched)
        info.publish(messages.info())
    count = round(SAMPLE_RATE * CHUNK_S) * CHANNELS
    pcm = np.random.default_rng(0).integers(-8192, 8192, count, dtype=np.int16).tobytes()
    sent = _pace(CHUNK_S, lambda stamp_ns: publisher.publish(messages.stamped(pcm, stamp_ns)), stop)
    print(json.dumps({"sounds sent": sent}), flush=True)


def _pace(period_s: float, publish: Callable[[int], None], stop: threading.Event) -> int:
    """Publish every `period_s` with stamps exactly that far apart, catching up after a delay."""
    begin_s, begin_ns, count = time.monotonic(), time.time_ns(), 0
    while not stop.wait(max(begin_s + count * period_s - time.monotonic(), 0)):
        publish(begin_ns + round(count * period_s * 1e9))
        count += 1
    return count


class SlowSession(Session):
    """Runs the real network and then pauses without holding a lock."""

    pause_s = 0.0

    def step(self, window):
        """Segment as Session does, then pause."""
        segmentation = super().step(window)
        time.sleep(self.pause_s)
        return segmentation


def segmentation(arguments: argparse.Namespace, stop: threading.Event) -> None:
    """Take the node through all states, active for the given time, and measure the cost of each."""

    def make_session(model, device, **execution) -> Session:
        session = SlowSession(model, device, **execution)
        threading.Timer(SETTLE_S, setattr, (session, "pause_s", arguments.pause)).start()  # not in the warm-up
        return session

    node, figures = SegmentationNode(make_session=make_session), {}

    def live(state: str, seconds: float) -> None:
        begin_s, before_s = time.monotonic(), time.process_time()
        threading.Timer(seconds, stop.set).start()
        spin(node, stop)
        stop.clear()
        cpu = 100 * (time.process_time() - before_s) / (time.monotonic() - begin_s)
        figures[state] = {"cpu percent": round(cpu, 1), "rss MiB": round(_resident_mib(), 1)}

    live("unconfigured", 2.0)
    _must_succeed("configured", node.trigger_configure())
    live("inactive", 3.0)
    _must_succeed("activated", node.trigger_activate())
    live("settling", SETTLE_S)
    node.inputs.callback_ns.clear()
    gaps, longest = node.pipeline.counts.gaps, {}
    watching = threading.Event()
    watcher = threading.Thread(target=_watch, args=(node, watching, longest))
    watcher.start()
    images, sounds = node.inputs.camera.count, node.inputs.microphone.count
    live("active", arguments.seconds)
    watching.set()
    watcher.join()
    durations_ms = np.array(node.inputs.callback_ns) / 1e6
    figures["callbacks"] = {
        "count": len(durations_ms),
        **{f"p{rank} ms": round(float(np.percentile(durations_ms, rank)), 4) for rank in (50, 99, 100)},
    }
    figures["received"] = {
        "images": node.inputs.camera.count - images,
        "sounds": node.inputs.microphone.count - sounds,
        "audio gaps": node.pipeline.counts.gaps - gaps,
    }
    figures["windows cut"], figures["dropped"] = node.pipeline.counts.windows, vars(node.pipeline.dropped)
    figures["longest queues"] = longest
    node.trigger_deactivate()
    live("inactive again", 3.0)
    node.destroy_node()
    print(json.dumps(figures), flush=True)


def _must_succeed(transition: str, result: TransitionCallbackReturn) -> None:
    if result != TransitionCallbackReturn.SUCCESS:
        raise ValueError(f"the node could not be {transition}; see its log")


def _watch(node: SegmentationNode, end: threading.Event, longest: dict[str, int]) -> None:
    while not end.wait(0.005):
        for name, count in node.pipeline.waiting.items():
            longest[name] = max(longest.get(name, 0), count)


def _resident_mib() -> float:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * 4096 / 2**20


if __name__ == "__main__":
    sys.exit(main())
