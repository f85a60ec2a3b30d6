"""Read image files; errors name the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from c3n_model.messages.compressed import decode_picture, to_rgb


def read_picture(path: Path) -> np.ndarray:
    """Read an image as RGB uint8 (H, W, 3) in its Exif orientation. Raises ValueError as `open_picture`."""
    return to_rgb(open_picture(path), upright=True)


def open_picture(path: Path) -> Image.Image:
    """Decode an image as stored. Raises ValueError for a file that is missing, truncated or not an image."""
    try:
        return decode_picture(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path} cannot be read as an image: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as an image: {error}; copy or create it again") from error
