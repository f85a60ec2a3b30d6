"""Convert image messages to frames, without ROS: sensor_msgs/Image in the usual encodings, sensor_msgs/CompressedImage."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import cv2
import numpy as np

from c3n_model.messages.compressed import PICTURE_FORMATS, decode_picture, to_rgb
from c3n_model.messages.limits import LimitError, check_image_size
from c3n_model.messages.stamps import stamp_of
from c3n_model.types import Frame

# Encoding -> (dtype of a channel, channels per pixel, conversion to RGB, None if it is RGB).
# 8UC3 names no colours; in OpenCV, where the name comes from, it is BGR. "yuv422" has been UYVY since ROS 1.
_IMAGE_ENCODINGS = {
    "rgb8": (np.uint8, 3, None),
    "bgr8": (np.uint8, 3, cv2.COLOR_BGR2RGB),
    "8UC3": (np.uint8, 3, cv2.COLOR_BGR2RGB),
    "rgba8": (np.uint8, 4, cv2.COLOR_RGBA2RGB),
    "bgra8": (np.uint8, 4, cv2.COLOR_BGRA2RGB),
    "8UC4": (np.uint8, 4, cv2.COLOR_BGRA2RGB),
    "rgb16": (np.uint16, 3, None),
    "bgr16": (np.uint16, 3, cv2.COLOR_BGR2RGB),
    "16UC3": (np.uint16, 3, cv2.COLOR_BGR2RGB),
    "rgba16": (np.uint16, 4, cv2.COLOR_RGBA2RGB),
    "bgra16": (np.uint16, 4, cv2.COLOR_BGRA2RGB),
    "16UC4": (np.uint16, 4, cv2.COLOR_BGRA2RGB),
    "mono8": (np.uint8, 1, cv2.COLOR_GRAY2RGB),
    "8UC1": (np.uint8, 1, cv2.COLOR_GRAY2RGB),
    "mono16": (np.uint16, 1, cv2.COLOR_GRAY2RGB),
    "yuv422": (np.uint8, 2, cv2.COLOR_YUV2RGB_UYVY),
    "uyvy": (np.uint8, 2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422_yuy2": (np.uint8, 2, cv2.COLOR_YUV2RGB_YUYV),
    "yuyv": (np.uint8, 2, cv2.COLOR_YUV2RGB_YUYV),
    "nv12": (np.uint8, 1, cv2.COLOR_YUV2RGB_NV12),
    "nv21": (np.uint8, 1, cv2.COLOR_YUV2RGB_NV21),
    "nv24": (np.uint8, 1, cv2.COLOR_YUV2RGB_YUYV),  # after _yuyv_from_nv24
    # OpenCV names a pattern by the second row and column, ROS by the first.
    "bayer_rggb8": (np.uint8, 1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr8": (np.uint8, 1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg8": (np.uint8, 1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg8": (np.uint8, 1, cv2.COLOR_BayerGB2RGB),
    "bayer_rggb16": (np.uint16, 1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr16": (np.uint16, 1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg16": (np.uint16, 1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg16": (np.uint16, 1, cv2.COLOR_BayerGB2RGB),
}
# Rows of bytes per row of pixels, where chroma follows luma: half a row of it (NV12, NV21) or two rows (NV24).
_ROWS_PER_ROW = {"nv12": Fraction(3, 2), "nv21": Fraction(3, 2), "nv24": Fraction(3)}
_DEPTH_ENCODINGS = ("16UC1", "32FC1", "compressedDepth")  # REP-118


def frame_from_image(message: Any) -> Frame:
    """Convert a sensor_msgs/Image to a Frame. 16-bit channels are reduced to the upper eight of the bits in use (`_eight_bits`).

    Raises ValueError for an unknown encoding, rows that are too short or data of the wrong length, LimitError for a size
    beyond `limits`.
    """
    if not knows_encoding(message.encoding):
        _refuse_depth(message.encoding)
        raise ValueError(f"unknown image encoding {message.encoding!r}; known are {', '.join(_IMAGE_ENCODINGS)}")
    dtype, channels, conversion = _IMAGE_ENCODINGS[message.encoding]
    pixels = _rows(message, np.dtype(dtype), channels)
    if dtype == np.uint16:
        pixels = _eight_bits(pixels)
    rgb = np.ascontiguousarray(pixels)
    try:
        if message.encoding == "nv24":
            rgb = _yuyv_from_nv24(rgb[..., 0], message.height)
        if conversion is not None:
            rgb = cv2.cvtColor(rgb, conversion)
    except (cv2.error, ValueError) as error:  # YUV of an odd width
        raise ValueError(f"{message.encoding} images cannot have {message.width} x {message.height} pixels") from error
    return Frame(rgb, stamp_of(message.header), message.header.frame_id)


def frame_from_compressed(message: Any) -> Frame:
    """Decode a sensor_msgs/CompressedImage in one of `PICTURE_FORMATS`, whatever codec its `format` names.

    The Exif orientation is ignored: rotated pixels would not match the other topics of the camera.

    Raises ValueError for depth, and for data that is truncated, damaged or not an image; LimitError for a size beyond
    `limits`, which is checked before decoding: a few kilobytes of PNG can claim gigabytes of pixels.
    """
    encoding, _, compression = message.format.partition(";")
    if "compressedDepth" in message.format:
        _refuse_depth("compressedDepth")
    _refuse_depth(encoding.strip())
    data = bytes(message.data)
    try:
        rgb = to_rgb(decode_picture(data), upright=False)
    except LimitError:
        raise
    except ValueError as error:
        raise ValueError(
            f"a compressed image of format {message.format!r} and {len(data)} bytes cannot be decoded ({error}): "
            f"it was truncated in transit, or its codec is not one of {', '.join(PICTURE_FORMATS)}"
        ) from error
    if "compressed rgb" in compression:  # RGB pixels were encoded as if they were BGR
        rgb = np.ascontiguousarray(rgb[..., ::-1])
    return Frame(rgb, stamp_of(message.header), message.header.frame_id)


def mask_from_image(message: Any) -> np.ndarray:
    """Convert a mono8 sensor_msgs/Image, such as a mask, to uint8 (H, W). Raises ValueError for another encoding or length."""
    if message.encoding not in ("mono8", "8UC1"):
        raise ValueError(f"expected a mask as mono8, got encoding {message.encoding!r}")
    return _rows(message, np.dtype(np.uint8), 1)[..., 0].copy()


def knows_encoding(encoding: str) -> bool:
    """Return whether `frame_from_image` supports this encoding."""
    return encoding in _IMAGE_ENCODINGS


def holds_depth(encoding: str) -> bool:
    """Return whether images of this encoding hold distances instead of colours."""
    return encoding in _DEPTH_ENCODINGS


def _refuse_depth(encoding: str) -> None:
    if holds_depth(encoding):
        raise ValueError(f"a {encoding} image holds distances, not colours: choose the topic of the colour image")


def _rows(message: Any, dtype: np.dtype, channels: int) -> np.ndarray:
    """Return the pixels as (rows, width, channels), without row padding."""
    check_image_size(message.width, message.height)
    row_bytes = message.width * channels * dtype.itemsize
    rows = int(message.height * _ROWS_PER_ROW.get(message.encoding, 1))
    data = np.frombuffer(message.data, dtype=np.uint8)
    if row_bytes == 0 or rows == 0 or message.step < row_bytes or len(data) != rows * message.step:
        raise ValueError(
            f"expected rows of at least {row_bytes} bytes and {rows} x step bytes for a {message.encoding} image of "
            f"{message.width} x {message.height}; got step {message.step} and {len(data)} bytes"
        )
    pixels = data.reshape(rows, message.step)[:, :row_bytes]
    if dtype.itemsize > 1:
        pixels = np.ascontiguousarray(pixels).view(dtype.newbyteorder(">" if message.is_bigendian else "<"))
    return pixels.reshape(rows, message.width, channels)


def _eight_bits(pixels: np.ndarray) -> np.ndarray:
    """Convert uint16 (H, W, channels) to uint8. Many cameras, such as infrared ones, use only 10, 12 or 14 of the 16 bits.

    The number of bits in use is derived from the 99.9th percentile of a subset of the pixels, so that single hot pixels have
    no effect.
    """
    rows, columns = (max(size // 256, 1) for size in pixels.shape[:2])
    brightest = np.percentile(pixels[::rows, ::columns], 99.9, method="higher")
    bits = next(bits for bits in (8, 10, 12, 14, 16) if brightest < 2**bits)
    return np.minimum(pixels >> (bits - 8), 255).astype(np.uint8)


def _yuyv_from_nv24(rows: np.ndarray, height: int) -> np.ndarray:
    """Convert NV24 uint8 (3 H, W), with U and V for every pixel, to YUYV (H, W, 2), which OpenCV converts."""
    brightness, colours = rows[:height], rows[height:].reshape(height, -1, 2, 2).astype(np.uint16)
    pairs = ((colours[:, :, 0] + colours[:, :, 1]) // 2).astype(np.uint8)
    return np.ascontiguousarray(np.stack([brightness, pairs.reshape(height, -1)], axis=-1))
