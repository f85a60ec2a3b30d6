"""Decodes images in encodings that c3n_model does not support, through cv_bridge where it is installed and works; optional.

cv_bridge of Humble and Jazzy is built for NumPy 1 and cannot be imported beside NumPy 2.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

import numpy as np

from c3n_model.messages.images import frame_from_compressed, frame_from_image, holds_depth, knows_encoding
from c3n_model.messages.stamps import stamp_of
from c3n_model.types import Frame


def frame_from_any_image(message: Any) -> Frame:
    """Convert a sensor_msgs/Image or CompressedImage to a Frame.

    Raises ValueError for encodings that neither c3n_model nor an installed cv_bridge supports; see `frame_from_image` and
    `frame_from_compressed`.
    """
    if hasattr(message, "format"):
        return frame_from_compressed(message)
    bridge = None if knows_encoding(message.encoding) or holds_depth(message.encoding) else _bridge()
    return frame_from_image(message) if bridge is None else _frame_through(bridge, message)


def _frame_through(bridge: Any, message: Any) -> Frame:
    unsupported = f"image encoding {message.encoding!r} is not supported"
    try:
        rgb = np.ascontiguousarray(bridge.imgmsg_to_cv2(message, desired_encoding="rgb8"))
    except Exception as error:  # CvBridgeError, cv2.error, RuntimeError of its C++ part
        raise ValueError(f"{unsupported}, and cv_bridge cannot convert it: {' '.join(str(error).split())}") from error
    if rgb.dtype != np.uint8 or rgb.shape != (message.height, message.width, 3):
        raise ValueError(f"{unsupported}, and cv_bridge converted it to {rgb.dtype} {rgb.shape}")
    return Frame(rgb, stamp_of(message.header), message.header.frame_id)


@cache
def _bridge() -> Any | None:
    """Return a CvBridge, or None if it is not installed or incompatible with NumPy; tried once."""
    try:
        return importlib.import_module("cv_bridge").CvBridge()
    except (ImportError, AttributeError):
        return None
