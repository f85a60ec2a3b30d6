"""Decode compressed images, from files and messages, with Pillow."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from c3n_model.messages.limits import MAX_IMAGE_PIXELS, LimitError, check_image_size

PICTURE_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")


def decode_picture(data: bytes) -> Image.Image:
    """Decode a complete image in one of `PICTURE_FORMATS`, with its stored pixels and mode.

    Raises ValueError, with the reason, for data that is truncated, damaged or of another format; LimitError, before anything
    is decoded, for a size beyond `limits`: decoding takes up to 14 bytes per pixel, 0.9 GiB at the limit.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=PICTURE_FORMATS)
        check_image_size(*image.size)
        image.load()
    except LimitError:
        raise
    except Image.DecompressionBombError as error:  # Pillow's own limit is above ours
        raise LimitError(f"expected at most {MAX_IMAGE_PIXELS} pixels, got more: {error}") from error
    except UnidentifiedImageError as error:  # its message is only the address of the buffer
        raise ValueError(f"{len(data)} bytes that do not begin like {', '.join(PICTURE_FORMATS)}") from error
    except Exception as error:  # decoders raise any type of error for damaged data
        raise ValueError(str(error) or type(error).__name__) from error
    return image


def to_rgb(image: Image.Image, *, upright: bool) -> np.ndarray:
    """Convert an image to RGB uint8 (H, W, 3): alpha is dropped, and the upper eight of 16 bits per channel are kept.

    `upright`: apply the Exif orientation. OpenCV gives the same pixels, except for CMYK (rounding differs by 1).
    """
    if upright:
        image = _turn_upright(image)
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip
        return np.repeat((np.asarray(image) >> 8).astype(np.uint8)[..., None], 3, axis=2)
    return np.array(image.convert("RGB"))


def _turn_upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged Exif data; the image itself is complete
        return image
