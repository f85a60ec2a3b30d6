from array import array
from types import SimpleNamespace

import numpy as np
import pytest

from c3n_model.sources.messages import (
    AudioFormat,
    chunk_from_audio,
    format_from_info,
    frame_from_image,
    pcm_from_samples,
)

HEADER = SimpleNamespace(stamp=SimpleNamespace(sec=12, nanosec=34), frame_id="camera_optical")
COLOURS = np.uint8([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [10, 20, 30]]])


def image(encoding, rows, *, width=2, height=2, padding=0, is_bigendian=0):
    """A message whose `rows` (height, ...) are padded at their ends with 7s."""
    rows = np.ascontiguousarray(rows).reshape(len(rows), -1).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=7)
    return SimpleNamespace(
        header=HEADER,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=is_bigendian,
        step=rows.shape[1],
        data=array("B", rows.tobytes()),
    )


def audio(data, header=HEADER):
    return SimpleNamespace(header=header, audio=SimpleNamespace(data=array("B", bytes(data))))


class TestImages:
    @pytest.mark.parametrize("padding", [0, 5])
    @pytest.mark.parametrize(
        "encoding, channels",
        [
            ("rgb8", [0, 1, 2]),
            ("bgr8", [2, 1, 0]),
            ("8UC3", [2, 1, 0]),
            ("rgba8", [0, 1, 2, 0]),
            ("bgra8", [2, 1, 0, 0]),
        ],
    )
    def test_colour(self, encoding, channels, padding):
        frame = frame_from_image(image(encoding, COLOURS[..., channels], padding=padding))
        np.testing.assert_array_equal(frame.rgb, COLOURS)
        assert frame.rgb.flags.c_contiguous and frame.stamp_ns == 12_000_000_034 and frame.frame_id == "camera_optical"

    @pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
    def test_grey(self, encoding):
        frame = frame_from_image(image(encoding, np.uint8([[0, 100], [200, 255]]), padding=1))
        np.testing.assert_array_equal(frame.rgb, np.uint8([[[0] * 3, [100] * 3], [[200] * 3, [255] * 3]]))

    @pytest.mark.parametrize("is_bigendian, order", [(0, "<u2"), (1, ">u2")])
    def test_grey_of_16_bits_keeps_the_upper_eight(self, is_bigendian, order):
        pixels = np.array([[0, 256], [0x1234, 0xFFFF]], order)
        frame = frame_from_image(image("mono16", pixels, padding=2, is_bigendian=is_bigendian))
        np.testing.assert_array_equal(frame.rgb[..., 0], [[0, 1], [0x12, 255]])

    @pytest.mark.parametrize(
        "encoding, y_first", [("yuv422", False), ("uyvy", False), ("yuyv", True), ("yuv422_yuy2", True)]
    )
    def test_yuv_422(self, encoding, y_first):
        y, u, v = 81, 90, 240  # red in BT.601
        quad = [y, u, y, v] if y_first else [u, y, v, y]
        frame = frame_from_image(image(encoding, np.uint8([quad, quad]), padding=3))
        np.testing.assert_allclose(frame.rgb.reshape(-1, 3), [[255, 0, 0]] * 4, atol=3)

    def test_nv12(self):
        frame = frame_from_image(image("nv12", np.uint8([[81, 81], [81, 81], [90, 240]]), padding=2))
        np.testing.assert_allclose(frame.rgb.reshape(-1, 3), [[255, 0, 0]] * 4, atol=3)

    @pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
    def test_bayer(self, pattern):
        colour = {"r": 200, "g": 100, "b": 50}
        tile = np.uint8([[colour[pattern[0]], colour[pattern[1]]], [colour[pattern[2]], colour[pattern[3]]]])
        frame = frame_from_image(image(f"bayer_{pattern}8", np.tile(tile, (4, 4)), width=8, height=8))
        np.testing.assert_array_equal(frame.rgb[2:-2, 2:-2].reshape(-1, 3), [[200, 100, 50]] * 16)

    @pytest.mark.parametrize("container", [bytes, bytearray, lambda data: np.frombuffer(data, np.uint8), memoryview])
    def test_whatever_holds_the_bytes(self, container):
        message = image("rgb8", COLOURS)
        message.data = container(message.data.tobytes())
        np.testing.assert_array_equal(frame_from_image(message).rgb, COLOURS)

    def test_unknown_encoding_names_the_known_ones(self):
        with pytest.raises(ValueError, match="'16UC1'; known are rgb8, bgr8.*nv12.*bayer_rggb8"):
            frame_from_image(image("16UC1", np.zeros((2, 2), np.uint16)))

    @pytest.mark.parametrize("change", [{"height": 3}, {"step": 5}, {"width": 3}, {"data": b""}, {"width": 0}])
    def test_wrong_lengths(self, change):
        message = image("rgb8", COLOURS)
        vars(message).update(change)
        with pytest.raises(ValueError, match="a rgb8 image of .* got step"):
            frame_from_image(message)

    def test_yuv_of_an_odd_width(self):
        with pytest.raises(ValueError, match="a yuyv image cannot be 3 x 2 pixels"):
            frame_from_image(image("yuyv", np.zeros((2, 6), np.uint8), width=3))


class TestAudio:
    @pytest.mark.parametrize(
        "sample_format, data, expected",
        [
            ("S16LE", np.array([0, 16384, -32768], "<i2"), [0, 0.5, -1]),
            ("S16BE", np.array([0, 16384, -32768], ">i2"), [0, 0.5, -1]),
            ("S32LE", np.array([0, 2**30, -(2**31)], "<i4"), [0, 0.5, -1]),
            ("F32LE", np.array([0, 0.25, -1], "<f4"), [0, 0.25, -1]),
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
    def test_no_whole_number_of_samples(self, count):
        with pytest.raises(ValueError, match="no whole number of 2-channel S16LE"):
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
            ({"sample_format": "S20LE"}, "S16LE, S16BE"),
            ({"channels": 0}, "positive"),
            ({"sample_rate": 0}, "positive"),
            ({"coding_format": "MP3"}, "format:=wave"),
        ],
    )
    def test_audio_info_that_cannot_be_read(self, wrong, text):
        info = {"channels": 1, "sample_rate": 16_000, "sample_format": "S16LE", "bitrate": 0, "coding_format": "wave"}
        with pytest.raises(ValueError, match=text):
            format_from_info(SimpleNamespace(**{**info, **wrong}))


class TestMp3:
    # MPEG-1 Layer III, 128 kbit/s, 44.1 kHz, no padding: 417 bytes; MPEG-2, 64 kbit/s, 16 kHz: 288 bytes.
    FRAME = bytes([0xFF, 0xFB, 0x90, 0x00]) + bytes(413)
    FRAME_16_KHZ = bytes([0xFF, 0xF3, 0x88, 0x00]) + bytes(284)

    @pytest.mark.parametrize("data", [FRAME, 3 * FRAME, FRAME_16_KHZ, b"ID3\x04\x00\x00\x00\x00\x0f\x76" + bytes(500)])
    def test_found_in_the_payload(self, data):
        with pytest.raises(ValueError, match="format:=wave"):
            chunk_from_audio(audio(data), AudioFormat())

    def test_announced(self):
        with pytest.raises(ValueError, match="format:=wave"):
            chunk_from_audio(audio(bytes(320)), AudioFormat(coding_format="MP3"))

    def test_real_frames(self):
        av = pytest.importorskip("av")
        encoder = av.codec.CodecContext.create("libmp3lame", "w")
        encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = 16_000, "mono", "s16p", 64_000
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 576), np.int16), format="s16p", layout="mono")
        frame.sample_rate = 16_000
        packets = [bytes(packet) for _ in range(5) for packet in encoder.encode(frame)]
        assert packets
        for packet in packets:
            with pytest.raises(ValueError, match="format:=wave"):
                chunk_from_audio(audio(packet), AudioFormat())

    def test_pcm_that_begins_like_a_sync_word_is_pcm(self):
        pcm = np.full(160, -1025, "<i2")  # FF FB FF FB ...
        assert len(chunk_from_audio(audio(pcm.tobytes()), AudioFormat()).samples) == 160
        quiet = np.random.default_rng(0).integers(-1000, 0, (2000, 160)).astype("<i2")
        for row in quiet:
            chunk_from_audio(audio(row.tobytes()), AudioFormat())
