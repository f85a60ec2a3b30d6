"""Sound messages of both packages that are called audio_common_msgs."""

from array import array
from types import SimpleNamespace

import numpy as np
import pytest

from c3n_model.messages.sounds import (
    MGONZS13,
    ROS_DRIVERS,
    AudioFormat,
    audio_dialect,
    chunk_from_audio,
    chunk_from_audio_stamped,
    chunk_from_pcm,
    chunk_from_unstamped,
    format_from_info,
    pcm_from_samples,
)
from c3n_model.sources.bag_types import standard_types

HEADER = SimpleNamespace(stamp=SimpleNamespace(sec=12, nanosec=34), frame_id="microphone")


def audio(data, header=HEADER):
    return SimpleNamespace(header=header, audio=SimpleNamespace(data=array("B", bytes(data))))


def mgonzs13_data(**arrays):
    names = ("float32_data", "int32_data", "int16_data", "int8_data", "uint8_data")
    return SimpleNamespace(**{name: array("h") for name in names} | arrays)


def mgonzs13_audio(flag, channels=1, rate=16_000, **arrays):
    info = SimpleNamespace(format=flag, channels=channels, rate=rate, chunk=512)
    return SimpleNamespace(header=HEADER, audio=SimpleNamespace(audio_data=mgonzs13_data(**arrays), info=info))


class TestAudio:
    @pytest.mark.parametrize(
        "sample_format, data, expected",
        [
            ("S16LE", np.array([0, 16384, -32768], "<i2"), [0, 0.5, -1]),
            ("S16BE", np.array([0, 16384, -32768], ">i2"), [0, 0.5, -1]),
            ("S32LE", np.array([0, 2**30, -(2**31)], "<i4"), [0, 0.5, -1]),
            ("S32BE", np.array([0, 2**30, -(2**31)], ">i4"), [0, 0.5, -1]),
            ("U16LE", np.array([2**15, 49152, 0], "<u2"), [0, 0.5, -1]),
            ("U16", np.array([2**15, 49152, 0], "<u2"), [0, 0.5, -1]),
            ("U16BE", np.array([2**15, 49152, 0], ">u2"), [0, 0.5, -1]),
            ("U32LE", np.array([2**31, 3 * 2**30, 0], "<u4"), [0, 0.5, -1]),
            ("S24LE", np.uint8([[0, 0, 0], [0, 0, 0x40], [0, 0, 0x80]]), [0, 0.5, -1]),
            ("S24BE", np.uint8([[0, 0, 0], [0x40, 0, 0], [0x80, 0, 0]]), [0, 0.5, -1]),
            ("S24_32LE", np.uint8([[0, 0, 0, 9], [0, 0, 0x40, 0], [0, 0, 0x80, 0xFF]]), [0, 0.5, -1]),
            ("S24_32BE", np.uint8([[9, 0, 0, 0], [0, 0x40, 0, 0], [0xFF, 0x80, 0, 0]]), [0, 0.5, -1]),
            ("S20LE", np.uint8([[0, 0, 0], [0, 0, 0x04], [0, 0, 0xF8]]), [0, 0.5, -1]),
            ("F32LE", np.array([0, 0.25, -1], "<f4"), [0, 0.25, -1]),
            ("F32BE", np.array([0, 0.25, -1], ">f4"), [0, 0.25, -1]),
            ("F64LE", np.array([0, 0.25, -1], "<f8"), [0, 0.25, -1]),
            ("F64BE", np.array([0, 0.25, -1], ">f8"), [0, 0.25, -1]),
            ("S8", np.array([0, 64, -128], "i1"), [0, 0.5, -1]),
            ("U8", np.array([128, 192, 0], "u1"), [0, 0.5, -1]),
        ],
    )
    def test_formats(self, sample_format, data, expected):
        chunk = chunk_from_audio(audio(data.tobytes()), AudioFormat(48_000, 1, sample_format))
        assert chunk.samples.dtype == np.float32 and chunk.sample_rate == 48_000 and chunk.stamp_ns == 12_000_000_034
        np.testing.assert_array_equal(chunk.samples[:, 0], np.float32(expected))

    def test_stereo_is_interleaved(self):
        chunk = chunk_from_audio(audio(np.array([1, -1, 2, -2], "<i2").tobytes()), AudioFormat(channels=2))
        np.testing.assert_array_equal(chunk.samples * 32768, [[1, -1], [2, -2]])

    @pytest.mark.parametrize("count", [1, 2, 3, 5])
    def test_incomplete_samples_are_refused(self, count):
        with pytest.raises(ValueError, match="multiple of 4 bytes of sound .2 channels of S16LE"):
            chunk_from_audio(audio(bytes(count)), AudioFormat(channels=2))

    def test_an_empty_chunk_is_empty(self):
        assert chunk_from_audio(audio(b""), AudioFormat(channels=2)).samples.shape == (0, 2)

    def test_pcm_round_trip_is_exact(self):
        pcm = np.random.default_rng(0).integers(-32768, 32768, (100, 2)).astype("<i2")
        chunk = chunk_from_audio(audio(pcm.tobytes()), AudioFormat(channels=2))
        assert pcm_from_samples(chunk.samples).tobytes() == pcm.tobytes()
        np.testing.assert_array_equal(pcm_from_samples(np.float32([[2.0], [-2.0]])).view("<i2"), [32767, -32768])

    def test_audio_info(self):
        info = SimpleNamespace(channels=2, sample_rate=44_100, sample_format="s16le", bitrate=0, coding_format="WAVE")
        assert format_from_info(info) == AudioFormat(44_100, 2, "S16LE", "wave")

    @pytest.mark.parametrize(
        "wrong, text",
        [
            ({"sample_format": "ALAW"}, "'ALAW'; known are S8, U8, S16LE"),
            ({"channels": 0}, "got 16000 Hz and 0 channels; correct audio_info"),
            ({"sample_rate": 0}, "got 0 Hz"),
            ({"sample_rate": 2**32 - 1}, "768000 Hz.*got 4294967295 Hz"),
            ({"channels": 65}, "64 channels.*and 65 channels"),
            ({"coding_format": "opus"}, "'opus'; known are wave and mp3"),
        ],
    )
    def test_audio_info_that_cannot_be_read(self, wrong, text):
        info = {"channels": 1, "sample_rate": 16_000, "sample_format": "S16LE", "bitrate": 0, "coding_format": "wave"}
        with pytest.raises(ValueError, match=text):
            format_from_info(SimpleNamespace(**{**info, **wrong}))

    def test_mp3_is_described_by_its_stream(self):
        info = SimpleNamespace(channels=1, sample_rate=16_000, sample_format="", bitrate=192, coding_format="MP3")
        assert format_from_info(info).is_mp3

    def test_odd_bytes_of_24_bits(self):
        with pytest.raises(ValueError, match="multiple of 3 bytes of sound .1 channels of S24LE., got 7"):
            chunk_from_audio(audio(bytes(7)), AudioFormat(sample_format="S24LE"))


class TestMgonzs13:
    @pytest.mark.parametrize(
        "flag, arrays",
        [
            (1, {"float32_data": array("f", [0, 0.5, -1])}),
            (2, {"int32_data": np.int32([0, 2**30, -(2**31)])}),
            (8, {"int16_data": array("h", [0, 16384, -32768])}),
            (16, {"int8_data": array("b", [0, 64, -128])}),
            (32, {"uint8_data": array("B", [128, 192, 0])}),
        ],
    )
    def test_formats(self, flag, arrays):
        message = mgonzs13_audio(flag, rate=48_000, **arrays)
        chunk = chunk_from_audio_stamped(message)
        assert chunk.samples.dtype == np.float32 and (chunk.sample_rate, chunk.stamp_ns) == (48_000, 12_000_000_034)
        np.testing.assert_array_equal(chunk.samples[:, 0], [0, 0.5, -1])
        bare = chunk_from_unstamped(message.audio.audio_data, AudioFormat(48_000), 7)
        np.testing.assert_array_equal(bare.samples, chunk.samples)
        assert (bare.sample_rate, bare.stamp_ns) == (48_000, 7)

    def test_stereo_is_interleaved(self):
        chunk = chunk_from_audio_stamped(mgonzs13_audio(8, channels=2, int16_data=array("h", [1, -1, 2, -2])))
        np.testing.assert_array_equal(chunk.samples * 32768, [[1, -1], [2, -2]])

    def test_nothing_in_it(self):
        assert chunk_from_audio_stamped(mgonzs13_audio(8, channels=2)).samples.shape == (0, 2)
        assert chunk_from_unstamped(mgonzs13_data(), AudioFormat(channels=2), 0).samples.shape == (0, 2)

    @pytest.mark.parametrize(
        "message, said",
        [
            (mgonzs13_audio(4), "unknown PortAudio format 4; known are 1, 2, 8, 16, 32"),
            (mgonzs13_audio(8, channels=0), "and 0 channels"),
            (mgonzs13_audio(8, rate=-1), "got -1 Hz"),
            (mgonzs13_audio(8, channels=2, int16_data=array("h", [1])), "multiple of 2 values of int16_data .*, got 1"),
        ],
    )
    def test_unreadable_messages_are_refused(self, message, said):
        with pytest.raises(ValueError, match=said):
            chunk_from_audio_stamped(message)


class TestDialects:
    def module(self, dialect):
        names = (
            name.rpartition("/")[2] for name in standard_types(dialect).types if name.startswith("audio_common_msgs")
        )
        return SimpleNamespace(**dict.fromkeys(names, object))

    @pytest.mark.parametrize("dialect", [ROS_DRIVERS, MGONZS13])
    def test_the_package_is_recognised_by_its_definitions(self, dialect):
        assert audio_dialect(self.module(dialect)) == dialect

    def test_neither(self):
        with pytest.raises(ValueError, match="neither AudioDataStamped .* install ros-drivers'"):
            audio_dialect(SimpleNamespace(AudioData=object))

    def test_unstamped_bytes(self):
        chunk = chunk_from_unstamped(SimpleNamespace(data=b"\x00\x40"), AudioFormat(8000), 5)
        assert (chunk.samples.tolist(), chunk.sample_rate, chunk.stamp_ns) == ([[0.5]], 8000, 5)


def test_bytes_of_a_file_are_the_samples_of_a_message():
    pcm = np.int16([0, 2**14, -(2**15), 2**15 - 1]).tobytes()
    chunk = chunk_from_pcm(pcm, AudioFormat(8_000, 2), 7)
    assert (chunk.sample_rate, chunk.stamp_ns) == (8_000, 7)
    assert chunk.samples.tolist() == [[0, 0.5], [-1, 1 - 2**-15]]
