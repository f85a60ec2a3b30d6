import zlib
from array import array
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import ImageFile

from c3n_model.messages import limits
from c3n_model.messages.images import frame_from_compressed, frame_from_image, mask_from_image

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


@pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
def test_a_mask_is_its_bytes_without_the_padding(encoding):
    mask = np.uint8([[0, 255], [7, 0]])
    assert np.array_equal(mask_from_image(image(encoding, mask, padding=3)), mask)


def test_no_other_image_is_a_mask():
    with pytest.raises(ValueError, match="mono16"):
        mask_from_image(image("mono16", np.uint16([[0, 1], [2, 3]])))


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

    @pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
    def test_of_16_bits_the_upper_eight_of_those_that_occur_are_kept(self, bits):
        values = np.linspace(0, 2**bits - 1, 64 * 64).reshape(64, 64).astype("<u2")
        rgb = frame_from_image(image("mono16", values, width=64, height=64)).rgb
        np.testing.assert_array_equal(rgb[..., 0], values >> (bits - 8))

    def test_single_hot_pixels_do_not_decide_how_many_bits_occur(self):
        values = np.linspace(0, 1023, 64 * 64).reshape(64, 64).astype("<u2")
        values[0, 0] = 65535
        rgb = frame_from_image(image("mono16", values, width=64, height=64)).rgb
        assert rgb[0, 0, 0] == 255 and rgb[63, 63, 0] == 255 and rgb[32, 0, 0] == values[32, 0] >> 2

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
    def test_any_buffer_type(self, container):
        message = image("rgb8", COLOURS)
        message.data = container(message.data.tobytes())
        np.testing.assert_array_equal(frame_from_image(message).rgb, COLOURS)

    @pytest.mark.parametrize("is_bigendian, order", [(0, "<u2"), (1, ">u2")])
    @pytest.mark.parametrize(
        "encoding, channels",
        [
            ("rgb16", [0, 1, 2]),
            ("bgr16", [2, 1, 0]),
            ("16UC3", [2, 1, 0]),
            ("rgba16", [0, 1, 2, 0]),
            ("bgra16", [2, 1, 0, 0]),
        ],
    )
    def test_colour_of_16_bits(self, encoding, channels, is_bigendian, order):
        pixels = (COLOURS[..., channels].astype(np.uint16) << 8 | 0x55).astype(order)
        frame = frame_from_image(image(encoding, pixels, padding=2, is_bigendian=is_bigendian))
        np.testing.assert_array_equal(frame.rgb, COLOURS)

    def test_nv21_is_nv12_with_its_colours_swapped(self):
        frame = frame_from_image(image("nv21", np.uint8([[81, 81], [81, 81], [240, 90]]), padding=2))
        np.testing.assert_allclose(frame.rgb.reshape(-1, 3), [[255, 0, 0]] * 4, atol=3)

    def test_nv24_has_a_colour_for_every_pixel(self):
        red, blue = (81, 90, 240), (41, 240, 110)  # Y, U, V
        rows = np.uint8([[red[0]] * 2 + [blue[0]] * 2] * 2 + [[*red[1:]] * 2, [*blue[1:]] * 2] * 2)
        frame = frame_from_image(image("nv24", rows, width=4))
        np.testing.assert_allclose(frame.rgb, [[[255, 0, 0]] * 2 + [[0, 0, 255]] * 2] * 2, atol=6)
        with pytest.raises(ValueError, match="nv24 .* 3 x 2 pixels"):
            frame_from_image(image("nv24", np.zeros((6, 3), np.uint8), width=3))

    @pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
    def test_bayer_of_16_bits(self, pattern):
        colour = {"r": 200, "g": 100, "b": 50}
        tile = np.uint16([[colour[pattern[0]], colour[pattern[1]]], [colour[pattern[2]], colour[pattern[3]]]]) << 8
        frame = frame_from_image(image(f"bayer_{pattern}16", np.tile(tile, (4, 4)), width=8, height=8))
        np.testing.assert_array_equal(frame.rgb[2:-2, 2:-2].reshape(-1, 3), [[200, 100, 50]] * 16)

    def test_unknown_encoding_names_the_known_ones(self):
        with pytest.raises(ValueError, match="'rainbow7'; known are rgb8, bgr8.*nv12.*bayer_rggb8"):
            frame_from_image(image("rainbow7", np.zeros((2, 2), np.uint16)))

    @pytest.mark.parametrize("encoding", ["16UC1", "32FC1"])
    def test_depth_images_are_refused(self, encoding):
        with pytest.raises(ValueError, match=f"a {encoding} image holds distances.*choose the topic"):
            frame_from_image(image(encoding, np.zeros((2, 2), np.uint16)))

    @pytest.mark.parametrize("change", [{"height": 3}, {"step": 5}, {"width": 3}, {"data": b""}])
    def test_wrong_lengths(self, change):
        message = image("rgb8", COLOURS)
        vars(message).update(change)
        with pytest.raises(ValueError, match="rgb8 image of .* got step"):
            frame_from_image(message)

    @pytest.mark.parametrize("width, height", [(0, 2), (2, 0), (2**32 - 1, 2), (32_767, 32_767)])
    def test_sizes_beyond_the_limits(self, width, height):
        message = image("rgb8", COLOURS)
        vars(message).update(width=width, height=height)
        with pytest.raises(ValueError, match=f"got {width} x {height}: correct the driver"):
            frame_from_image(message)

    def test_yuv_of_an_odd_width(self):
        with pytest.raises(ValueError, match="yuyv .* 3 x 2 pixels"):
            frame_from_image(image("yuyv", np.zeros((2, 6), np.uint8), width=3))


def picture():
    """A gradient that JPEG keeps, redder to the right and bluer to the bottom."""
    y, x = np.mgrid[0:24, 0:32]
    return np.stack([x * 8, np.full_like(x, 60), y * 10], axis=-1).astype(np.uint8)


def compressed(suffix=".jpg", message_format="rgb8; jpeg compressed bgr8", pixels=None, change=lambda data: data):
    bgr = cv2.cvtColor(picture(), cv2.COLOR_RGB2BGR) if pixels is None else pixels
    data = change(cv2.imencode(suffix, bgr)[1].tobytes())
    return SimpleNamespace(header=HEADER, format=message_format, data=array("B", data))


class TestCompressed:
    @pytest.mark.parametrize(
        "message_format", ["rgb8; jpeg compressed bgr8", "jpeg", "jpg", "bgr8; jpeg compressed ", ""]
    )
    def test_jpeg(self, message_format):
        frame = frame_from_compressed(compressed(".jpg", message_format))
        np.testing.assert_allclose(frame.rgb.astype(int), picture().astype(int), atol=12)
        assert frame.rgb.flags.c_contiguous and frame.stamp_ns == 12_000_000_034 and frame.frame_id == "camera_optical"

    @pytest.mark.parametrize("message_format", ["bgr8; png compressed bgr8", "png"])
    def test_png(self, message_format):
        np.testing.assert_array_equal(frame_from_compressed(compressed(".png", message_format)).rgb, picture())

    def test_grey_and_16_bits(self):
        grey = picture()[..., 0]
        for pixels, name in (
            (grey, "mono8; png compressed mono8"),
            (grey.astype(np.uint16) << 8, "mono16; png compressed"),
        ):
            frame = frame_from_compressed(compressed(".png", name, pixels))
            np.testing.assert_array_equal(frame.rgb, np.repeat(grey[..., None], 3, axis=2))

    def test_images_compressed_as_rgb_are_decoded_as_rgb(self):
        frame = frame_from_compressed(compressed(".png", "rgb8; png compressed rgb8", picture()))
        np.testing.assert_array_equal(frame.rgb, picture())

    def test_padding_after_the_end_as_of_usb_cameras(self):
        frame = frame_from_compressed(compressed(change=lambda data: data + bytes(100)))
        np.testing.assert_allclose(frame.rgb.astype(int), picture().astype(int), atol=12)

    @pytest.mark.parametrize(
        "message_format", ["16UC1; compressedDepth png", "32FC1; compressedDepth", "16UC1; png compressed "]
    )
    def test_depth_is_refused(self, message_format):
        with pytest.raises(ValueError, match="holds distances, not colours: choose the topic"):
            frame_from_compressed(compressed(".png", message_format))

    @pytest.mark.parametrize("suffix", [".jpg", ".png"])
    @pytest.mark.parametrize(
        "change",
        [
            lambda data: b"",
            lambda data: data[:1],
            lambda data: data[: len(data) // 2],
            lambda data: data[:-24],
            lambda data: bytes(len(data)),
            lambda data: data[:2] + bytes(len(data) - 14) + data[-12:],
        ],
    )
    def test_cut_or_damaged(self, suffix, change):
        with pytest.raises(ValueError, match="cannot be decoded"):
            frame_from_compressed(compressed(suffix, change=change))

    def test_a_picture_beyond_all_sizes(self):
        def claim(data):
            header = b"IHDR" + (2**20).to_bytes(4, "big") * 2 + data[24:29]
            return data[:12] + header + zlib.crc32(header).to_bytes(4, "big") + data[33:]

        with pytest.raises(ValueError, match="expected at most 67108864 pixels"):
            frame_from_compressed(compressed(".png", change=claim))

    @pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp"])
    def test_size_is_read_before_decoding(self, suffix, monkeypatch):
        message = compressed(suffix, pixels=np.zeros((40, 50), np.uint8))
        monkeypatch.setattr(limits, "MAX_IMAGE_PIXELS", 1999)
        monkeypatch.setattr(ImageFile.ImageFile, "load", lambda *arguments: pytest.fail("decoded"))
        with pytest.raises(ValueError, match="at most 1999 pixels, got 50 x 40"):
            frame_from_compressed(message)

    def test_another_codec(self):
        with pytest.raises(ValueError, match="format 'h264' and 400 bytes cannot be decoded"):
            frame_from_compressed(SimpleNamespace(header=HEADER, format="h264", data=b"\0\0\0\1" * 100))
