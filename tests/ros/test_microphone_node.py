"""The microphone node over real DDS, with a module that pretends to be sounddevice."""

import time

import numpy as np
import pytest
from audio_common_msgs.msg import AudioDataStamped, AudioInfo
from fake_sounddevice import FakeSounddevice
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile

from c3n_model.messages.sound_reader import SoundReader
from c3n_ros.microphone_node import MicrophoneNode


class Listener(Node):
    def __init__(self):
        super().__init__("listener")
        self.sound, self.infos = [], []
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.create_subscription(AudioDataStamped, "audio/audio_stamped", self.sound.append, 50)
        self.create_subscription(AudioInfo, "audio/audio_info", self.infos.append, latched)


def wait_until(condition, timeout_s=10):
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def make_node(device, **parameters):
    overrides = [Parameter(name, value=value) for name, value in parameters.items()]
    return MicrophoneNode(device, parameter_overrides=overrides)


def test_sound_is_published_with_its_time_and_its_description(spin):
    device, listener = FakeSounddevice(), Listener()
    node = make_node(device, sample_rate=8000, channels=2, frame_id="ears")
    spin(node, listener)
    assert wait_until(lambda: device.streams and listener.infos and node.count_subscribers("audio/audio_stamped"))
    time.sleep(0.3)  # the listener may be known before it knows
    pcm = np.arange(320, dtype="<i2")
    before_ns = time.time_ns()
    device.streams[0].feed(pcm.tobytes(), adc_s=50.0, current_s=50.25)
    after_ns = time.time_ns()
    assert wait_until(lambda: listener.sound)
    (message,), (info,) = listener.sound, listener.infos
    reader = SoundReader()
    reader.describe(info)
    (chunk,) = reader.read(message, arrival_ns=0)
    assert (chunk.sample_rate, message.header.frame_id) == (8000, "ears")
    np.testing.assert_array_equal(chunk.samples * 2**15, pcm.reshape(-1, 2))
    assert before_ns - 250_000_000 <= chunk.stamp_ns <= after_ns - 250_000_000


def test_an_unplugged_microphone_is_reported_and_reopened(spin, capfd):
    device, listener = FakeSounddevice(), Listener()
    spin(make_node(device), listener)
    assert wait_until(lambda: device.streams)
    device.streams[0].feed(bytes(640))
    device.streams[0].active = False
    assert wait_until(lambda: len(device.streams) == 2)
    assert capfd.readouterr().err.count("was it unplugged?") == 1


def test_devices_are_listed(ros, capfd):
    node = make_node(FakeSounddevice(), list_devices=True)
    assert node.lists_devices and "USB microphone" in capfd.readouterr().err
    node.destroy_node()


def test_an_invalid_parameter_is_refused(ros):
    with pytest.raises(ValueError, match=r"chunk_ms.*\[5, 500\].* 0"):
        make_node(FakeSounddevice(), chunk_ms=0)


@pytest.mark.parametrize("arguments", [("--list",), ("--ros-args", "-p", "list_devices:=true")])
def test_executable_lists_devices_or_names_what_to_install(start_process, arguments):
    process = start_process("microphone_node", *arguments)
    output, _ = process.communicate(timeout=60)
    assert "Traceback" not in output
    if process.returncode:
        assert "apt install libportaudio2" in output or "pip install sounddevice" in output
    else:
        assert "channels" in output or "no recording device" in output
