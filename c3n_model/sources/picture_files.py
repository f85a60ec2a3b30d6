"""Picture files: read whole, or refused by name."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from c3n_model.messages.compressed import is_whole


def read_picture(path: Path) -> np.ndarray:
    """rgb uint8 (H, W, 3). Raises ValueError for a file that is missing, cut or no picture."""
    data = read_whole(path)
    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # a size beyond what OpenCV allows
        bgr = None
    if bgr is None:
        raise ValueError(f"{path} cannot be read as a picture; is it damaged? Copy or make it again")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def read_whole(path: Path) -> bytes:
    """The bytes of a picture file. Raises ValueError if it is missing or cut."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read as a picture: {error.strerror}") from error
    if not is_whole(data):
        raise ValueError(f"{path} cannot be read as a picture: it is cut, its end is missing; copy or make it again")
    return data
