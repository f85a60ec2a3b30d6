"""Whatever a message claims, it is read, or refused with what was expected, what came and what to do."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mp3_stream import encode_mp3

from c3n_model.messages import limits
from c3n_model.messages.images import _IMAGE_ENCODINGS, frame_from_compressed, frame_from_image
from c3n_model.messages.sound_reader import SoundReader
from c3n_model.messages.sounds import AudioFormat, format_from_info
from c3n_model.messages.stamps import stamp_of

UINT32 = st.integers(0, 2**32 - 1) | st.sampled_from([0, 1, 2, 2**31, 2**32 - 1])
SMALL = st.integers(0, 9)
STAMPS = st.builds(SimpleNamespace, sec=st.integers(-(2**31), 2**31 - 1), nanosec=UINT32)
HEADERS = st.builds(SimpleNamespace, stamp=STAMPS, frame_id=st.text(max_size=3))
WORDS = st.sampled_from(["S16LE", "F64BE", "S24_32LE", "wave", "mp3", "opus", ""]) | st.text(max_size=6)
INFOS = st.builds(
    SimpleNamespace,
    sample_rate=UINT32 | st.just(16_000),
    channels=st.integers(0, 255),
    sample_format=WORDS,
    coding_format=WORDS,
)
IMAGES = st.builds(
    SimpleNamespace,
    header=HEADERS,
    width=SMALL | UINT32,
    height=SMALL | UINT32,
    step=SMALL | UINT32,
    encoding=st.sampled_from([*_IMAGE_ENCODINGS, "32FC1", "rainbow7"]) | st.text(max_size=5),
    is_bigendian=st.integers(0, 255),
    data=st.binary(max_size=300),
)
MP3 = b"".join(encode_mp3(np.zeros((16_000, 1), np.float32), 16_000))


@given(HEADERS)
def test_any_stamp_is_a_time_after_1970_or_refused(header):
    try:
        stamp_ns = stamp_of(header)
    except limits.LimitError as error:
        assert str(header.stamp.sec) in str(error) and "ROS clock" in str(error)
        assert header.stamp.sec < 0 or header.stamp.nanosec >= 10**9
    else:
        assert divmod(stamp_ns, 10**9) == (header.stamp.sec, header.stamp.nanosec)


@given(INFOS)
def test_any_description_of_sound_is_within_the_limits_or_refused(info):
    try:
        audio_format = format_from_info(info)
    except ValueError:
        return
    assert 1_000 <= audio_format.sample_rate <= 768_000 and 1 <= audio_format.channels <= 64


@given(IMAGES)
def test_any_image_is_as_large_as_it_claims_or_refused(image):
    try:
        frame = frame_from_image(image)
    except ValueError:
        return
    assert frame.rgb.shape == (image.height, image.width, 3) and frame.rgb.dtype == np.uint8


@given(HEADERS, st.text(max_size=9), st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n"]))
def test_any_compressed_image_is_a_picture_or_refused(header, name, data, signature):
    with pytest.raises(ValueError, match="cannot be decoded|expected|distances"):
        frame_from_compressed(SimpleNamespace(header=header, format=name, data=signature + data))


@given(
    st.lists(st.one_of(INFOS, st.tuples(HEADERS, st.binary(max_size=99) | st.sampled_from([MP3[:700], bytes(640)]))))
)
def test_a_sound_reader_survives_any_messages_and_then_reads_clean_ones(messages):
    reader = SoundReader()
    for message in messages:
        try:
            if isinstance(message, tuple):
                reader.read(SimpleNamespace(header=message[0], audio=SimpleNamespace(data=message[1])), 0)
            else:
                reader.describe(message)
        except ValueError:
            pass
    reader.describe(SimpleNamespace(sample_rate=16_000, channels=2, sample_format="S16LE", coding_format="wave"))
    reader.describe(SimpleNamespace(sample_rate=16_000, channels=1, sample_format="S16LE", coding_format="wave"))
    header = SimpleNamespace(stamp=SimpleNamespace(sec=5, nanosec=0))
    (chunk,) = reader.read(SimpleNamespace(header=header, audio=SimpleNamespace(data=bytes(3200))), 0)
    assert (chunk.samples.shape, chunk.sample_rate, chunk.stamp_ns) == ((1600, 1), 16_000, 5 * 10**9)


def test_more_sound_than_ten_seconds_in_a_message():
    header = SimpleNamespace(stamp=SimpleNamespace(sec=5, nanosec=0))
    reader = SoundReader(AudioFormat(1_000))
    (chunk,) = reader.read(SimpleNamespace(header=header, audio=SimpleNamespace(data=bytes(20_000))), 0)
    assert len(chunk.samples) == 10_000
    with pytest.raises(limits.LimitError, match="at most 10 s.*got 10.0 s .10001 samples"):
        reader.read(SimpleNamespace(header=header, audio=SimpleNamespace(data=bytes(20_002))), 0)
    reader = SoundReader(AudioFormat(coding_format="mp3"))
    with pytest.raises(limits.LimitError, match="got 400001 bytes"):
        reader.read(SimpleNamespace(header=header, audio=SimpleNamespace(data=bytes(400_001))), 0)


def test_a_point_cloud_beyond_the_limit():
    limits.check_cloud_size(4096, 4096)
    with pytest.raises(limits.LimitError, match="16777216 points.*4294967295 x 2"):
        limits.check_cloud_size(2**32 - 1, 2)
