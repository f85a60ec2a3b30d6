"""PCM as messages of either audio_common_msgs, and back through c3n_model."""

from types import SimpleNamespace

import audio_common_msgs.msg
import numpy as np
import pytest

from c3n_model.messages.sounds import MGONZS13, chunk_from_audio, chunk_from_audio_stamped, format_from_info
from c3n_model.sources.bag_types import standard_types
from c3n_ros.messages.audio_messages import SoundMessages

STAMP_NS = 1_700_000_000_123_456_789
SAMPLES = np.array([[0, 0.5], [-1, 0.25]], np.float32)
PCM = (SAMPLES * 2**15).astype("<i2").tobytes()


def mgonzs13_module():
    """Its messages as rosbags makes them of the definitions, with the defaults that rosidl would give."""
    types = standard_types(MGONZS13).types
    names = ("float32_data", "int32_data", "int16_data", "int8_data", "uint8_data")
    return SimpleNamespace(
        AudioData=lambda **given: types["audio_common_msgs/msg/AudioData"](**{name: [] for name in names} | given),
        AudioInfo=types["audio_common_msgs/msg/AudioInfo"],
        Audio=types["audio_common_msgs/msg/Audio"],
        AudioStamped=types["audio_common_msgs/msg/AudioStamped"],
    )


def test_of_the_installed_package():
    messages = SoundMessages(audio_common_msgs.msg, 44_100, 2, "ears")
    message, info = messages.stamped(PCM, STAMP_NS), messages.info()
    assert isinstance(message, messages.stamped_type) and message.header.frame_id == "ears"
    chunk = chunk_from_audio(message, format_from_info(info))
    np.testing.assert_array_equal(chunk.samples, SAMPLES)
    assert (chunk.sample_rate, chunk.stamp_ns) == (44_100, STAMP_NS)


def test_of_mgonzs13():
    module = mgonzs13_module()
    messages = SoundMessages(module, 44_100, 2)
    assert messages.stamped_type is module.AudioStamped and messages.info() is None
    message = messages.stamped(PCM, STAMP_NS)
    chunk = chunk_from_audio_stamped(message)
    np.testing.assert_array_equal(chunk.samples, SAMPLES)
    assert (chunk.sample_rate, chunk.stamp_ns, message.audio.info.chunk) == (44_100, STAMP_NS, 2)


def test_of_neither():
    with pytest.raises(ValueError, match="install ros-drivers'"):
        SoundMessages(SimpleNamespace(), 16_000, 1)
