"""Stands in for cv2.VideoCapture: a camera with a few pictures that can be unplugged."""

from __future__ import annotations

import cv2
import numpy as np


class FakeCapture:
    """Gives `pictures` pictures, the k-th of them grey level k, then none; `opened` says whether it can be opened."""

    def __init__(self, pictures=3, opened=True, size=(48, 64)):
        self.left, self.opened, self.size = pictures, opened, size
        self.given, self.released, self.asked = 0, False, {}

    def isOpened(self):  # noqa: N802
        return self.opened

    def get(self, _):
        return 0.0

    def set(self, key, value):
        self.asked[key] = value
        if key == cv2.CAP_PROP_POS_FRAMES:
            self.left = 3

    def read(self):
        if self.left == 0:
            return False, None
        self.left -= 1
        self.given += 1
        return True, np.full((*self.size, 3), (self.given, 0, 0), np.uint8)  # blue first, as OpenCV has it

    def release(self):
        self.released = True
