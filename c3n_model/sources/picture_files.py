"""Read picture files; incomplete ones are refused with their path."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from c3n_model.messages.compressed import decode_picture, to_rgb


def read_picture(path: Path) -> np.ndarray:
    """Read a picture, upright, as rgb uint8 (H, W, 3). Raises ValueError as `open_picture`."""
    return to_rgb(open_picture(path), upright=True)


def open_picture(path: Path) -> Image.Image:
    """Decode a picture as it was stored. Raises ValueError for a file that is missing, cut or not a picture."""
    try:
        return decode_picture(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path} cannot be read as a picture: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as a picture: {error}; copy or make it again") from error
