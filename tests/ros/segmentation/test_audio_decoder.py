"""Sound and its description, in whatever order they come."""

from types import SimpleNamespace

import numpy as np
import pytest

from c3n_model.messages.sounds import AudioFormat
from c3n_ros.segmentation.audio_decoder import PATIENCE_NS, AudioDecoder

SECOND_NS = 1_000_000_000
INFO = SimpleNamespace(sample_rate=8_000, channels=1, sample_format="S16LE", coding_format="wave")
FORMAT = AudioFormat(16_000, 1, "S16LE", "wave")


def message(stamp_ns, value=8_192, count=160):
    stamp = SimpleNamespace(sec=stamp_ns // SECOND_NS, nanosec=stamp_ns % SECOND_NS)
    audio = SimpleNamespace(data=np.full(count, value, "<i2").tobytes())
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp), audio=audio)


def make_decoder():
    warnings = []
    return AudioDecoder(FORMAT, warnings.append), warnings


def test_sound_waits_for_its_description():
    decoder, warnings = make_decoder()
    assert not list(decoder.decode(message(0), 0)) and not list(decoder.decode(message(SECOND_NS // 2), 1))
    chunks = list(decoder.describe(INFO))
    assert [(chunk.stamp_ns, chunk.sample_rate) for chunk in chunks] == [(0, 8_000), (SECOND_NS // 2, 8_000)]
    assert [chunk.stamp_ns for chunk in decoder.decode(message(SECOND_NS), 2)] == [SECOND_NS] and not warnings


def test_undescribed_sound_is_decoded_as_assumed_after_a_second():
    decoder, warnings = make_decoder()
    assert not list(decoder.decode(message(0), 0)) and not list(decoder.decode(message(PATIENCE_NS - 1), 0))
    chunks = list(decoder.decode(message(PATIENCE_NS), 0))
    assert len(chunks) == 3 and {chunk.sample_rate for chunk in chunks} == {16_000}
    list(decoder.decode(message(2 * PATIENCE_NS), 0))
    assert len(warnings) == 1 and "audio/audio_info" in warnings[0] and "16000" in warnings[0]


def test_another_rate_in_mid_stream():
    decoder, _ = make_decoder()
    list(decoder.describe(INFO))
    assert next(decoder.decode(message(0), 0)).sample_rate == 8_000
    list(decoder.describe(SimpleNamespace(**{**vars(INFO), "sample_rate": 48_000})))
    assert next(decoder.decode(message(1), 0)).sample_rate == 48_000


def test_a_refused_description_is_replaced_by_a_valid_one():
    decoder, _ = make_decoder()
    list(decoder.decode(message(0), 0))
    with pytest.raises(ValueError, match="coding_format.*opus"):
        list(decoder.describe(SimpleNamespace(**{**vars(INFO), "coding_format": "opus"})))
    with pytest.raises(ValueError, match="opus"):
        list(decoder.decode(message(1), 0))
    list(decoder.describe(INFO))
    assert [chunk.stamp_ns for chunk in decoder.decode(message(2), 0)] == [2]


@pytest.mark.parametrize("absurd", [{"sample_rate": 2**32 - 1}, {"sample_rate": 0}, {"channels": 255}])
def test_an_implausible_description_loses_no_sound(absurd):
    decoder, _ = make_decoder()
    list(decoder.describe(INFO))
    with pytest.raises(ValueError, match="audio_info"):
        list(decoder.describe(SimpleNamespace(**{**vars(INFO), **absurd})))
    assert next(decoder.decode(message(0), 0)).sample_rate == 8_000


def test_only_the_undecodable_message_is_lost():
    decoder, _ = make_decoder()
    broken = message(1)
    broken.audio.data = b"\x00\x01\x02"
    for sound in (message(0), broken, message(2)):
        list(decoder.decode(sound, 0))
    chunks = []
    with pytest.raises(ValueError, match="multiple of 2 bytes.*got 3"):
        chunks.extend(decoder.describe(INFO))
    chunks.extend(decoder.decode(message(3), 0))
    assert [chunk.stamp_ns for chunk in chunks] == [0, 2, 3]


def test_sound_without_stamps_is_warned_of_once():
    decoder, warnings = make_decoder()
    list(decoder.describe(INFO))
    for number in range(3):
        chunks = list(decoder.decode(message(0).audio, SECOND_NS + number * SECOND_NS // 50))
    assert len(warnings) == 1 and "audio_msg_type:=AudioDataStamped" in warnings[0]
    assert chunks[0].stamp_ns == SECOND_NS + SECOND_NS // 50  # arrived 20 ms later, and lasted 20 ms
