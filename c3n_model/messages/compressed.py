"""Decode compressed pictures, of files and of messages, with Pillow."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from c3n_model.messages.limits import MAX_IMAGE_PIXELS, LimitError, check_image_size

PICTURE_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")


def decode_picture(data: bytes) -> Image.Image:
    """Decode a whole picture, one of `PICTURE_FORMATS`; pixels and mode are those stored.

    Raises ValueError, with the reason, for data that is cut, damaged or of another format; LimitError, before anything is
    decoded, for a size beyond `limits`: decoding takes up to 14 bytes per pixel, 0.9 GiB at the limit.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=PICTURE_FORMATS)
        check_image_size(*image.size)
        image.load()
    except LimitError:
        raise
    except Image.DecompressionBombError as error:  # Pillow's own limit, which is above ours
        raise LimitError(f"expected at most {MAX_IMAGE_PIXELS} pixels, got more: {error}") from error
    except UnidentifiedImageError as error:  # whose own message is the address of the buffer
        raise ValueError(f"{len(data)} bytes that do not begin as {', '.join(PICTURE_FORMATS)} do") from error
    except Exception as error:  # damaged data leads decoders into any error
        raise ValueError(str(error) or type(error).__name__) from error
    return image


def to_rgb(image: Image.Image, *, upright: bool) -> np.ndarray:
    """Pixels of a picture as rgb uint8 (H, W, 3): alpha is dropped, of 16 bits per channel the upper eight are kept.

    `upright`: apply the Exif orientation. OpenCV gives the same pixels, but for CMYK (rounded differently, by 1).
    """
    if upright:
        image = _turn_upright(image)
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip
        return np.repeat((np.asarray(image) >> 8).astype(np.uint8)[..., None], 3, axis=2)
    return np.array(image.convert("RGB"))


def _turn_upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged Exif data: the picture itself is whole
        return image
