"""Publishes a microphone. Stamps belong to the first sample: the device's latency is subtracted.

| topic | message | |
|---|---|---|
| audio/audio_stamped | audio_common_msgs/AudioDataStamped, or mgonzs13's AudioStamped where that package is installed | S16LE |
| audio/audio_info | audio_common_msgs/AudioInfo | latched; not with mgonzs13's |

`ros2 run c3n_ros microphone_node --list` shows the devices. A microphone that was unplugged is reopened when it is back.
"""

from __future__ import annotations

import sys
import threading
import time
from types import ModuleType
from typing import Any

import audio_common_msgs.msg
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

from c3n_model.devices.microphone import Microphone, MicrophoneSettings, describe_devices, load_sounddevice
from c3n_ros.health.ros_guard import Guarded
from c3n_ros.messages.audio_messages import SoundMessages
from c3n_ros.parameters import declare
from c3n_ros.run_node import run, spin

SOUND_DEPTH = 50
TICK_S = 0.01  # period at which chunks are published, so the maximum latency added by the node
_PARAMETERS = {
    "device": "Index or part of the name of a device of --list; empty: the default device.",
    "sample_rate": "Sample rate in Hz; the network resamples any rate.",
    "channels": "Number of channels, published interleaved.",
    "chunk_ms": "Milliseconds of sound per message.",
}


class MicrophoneNode(Guarded, Node):
    """Publishes the microphone's chunks and monitors its stream; all in the executor's thread."""

    def __init__(self, sounddevice: ModuleType | Any = None, **node_options):
        """`sounddevice` replaces the module; `node_options` go to rclpy's Node.

        Raises ValueError for an invalid parameter, or if sounddevice or PortAudio is missing.
        """
        super().__init__("microphone", **node_options)
        defaults = MicrophoneSettings()
        settings = MicrophoneSettings(
            **{name: self._declare(name, getattr(defaults, name), text) for name, text in _PARAMETERS.items()}
        )
        frame_id = self._declare("frame_id", "", "frame_id of the headers.")
        self.lists_devices = self._declare("list_devices", False, "Log the available devices and exit.")
        self._sounddevice = sounddevice or load_sounddevice()
        self._messages = SoundMessages(audio_common_msgs.msg, settings.sample_rate, settings.channels, frame_id)
        self._microphone = Microphone(self._sounddevice, settings, lambda: self.get_clock().now().nanoseconds)
        if self.lists_devices:
            for line in describe_devices(self._sounddevice):
                self.get_logger().info(line)
            return
        options = {"qos_overriding_options": QoSOverridingOptions.with_default_policies()}
        reliable = QoSProfile(depth=SOUND_DEPTH, reliability=ReliabilityPolicy.RELIABLE)
        self._sound_publisher = self.create_publisher(
            self._messages.stamped_type, "audio/audio_stamped", reliable, **options
        )
        if (info := self._messages.info()) is not None:
            latched = QoSProfile(
                depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
            )
            self._info_publisher = self.create_publisher(type(info), "audio/audio_info", latched, **options)
            self._info_publisher.publish(info)
        self.create_timer(TICK_S, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _declare(self, name: str, default: Any, description: str) -> Any:
        return declare(self, name, default, ParameterDescriptor(description=description, read_only=True))

    def _tick(self) -> None:
        for chunk in self._microphone.take():
            self._sound_publisher.publish(self._messages.stamped(chunk.pcm, chunk.stamp_ns))
        text = self._microphone.update(time.monotonic())
        if text.startswith("listening"):
            self.get_logger().info(text)
        elif text:
            self.get_logger().warning(text)

    def destroy_node(self) -> None:
        """Close the stream, then destroy the node."""
        self._microphone.close()
        super().destroy_node()


def main() -> int:
    """Record until a signal; return 1 after one line if the node cannot start. --list shows the devices instead."""
    if "--list" in sys.argv[1:]:
        return _list_devices()

    def work(stop: threading.Event) -> None:
        node = MicrophoneNode()
        try:
            if not node.lists_devices:
                spin(node, stop)
        finally:
            node.destroy_node()

    return run("microphone", work)


def _list_devices() -> int:
    try:
        print("\n".join(describe_devices(load_sounddevice())))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
