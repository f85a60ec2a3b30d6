"""The messages of a soak's camera and microphone: a synthetic scene, repeated, with any stamps, sizes and formats."""

from __future__ import annotations

from array import array
from typing import Any

import audio_common_msgs.msg
import cv2
import numpy as np
import soxr
from sensor_msgs.msg import Image

from c3n_model.synthetic import world
from c3n_model.synthetic.scenes import make_demo_scene
from c3n_ros.messages.audio_messages import SoundMessages
from c3n_ros.messages.conversions import time_message

IMAGE_RATE, HEIGHT, WIDTH = 10, 120, 160
CHUNK_S = 0.05
SIZES = ((48, 64), (150, 200), (201, 333))  # of "resized": height, width
FORMATS = ((8_000, 1), (48_000, 2))  # of "sound_format": rate [Hz], channels
_ENCODINGS = {
    "rgb8": None,
    "bgr8": cv2.COLOR_RGB2BGR,
    "mono8": cv2.COLOR_RGB2GRAY,
    "rgba8": cv2.COLOR_RGB2RGBA,
    "bgra8": cv2.COLOR_RGB2BGRA,
}
ENCODINGS = tuple(_ENCODINGS)[1:]  # of "encoding"


class Microphone:
    """Chunks of `CHUNK_S` of the scene's sound, in one format."""

    def __init__(self, rate: int = world.SAMPLE_RATE, channels: int = 1):
        self.messages = SoundMessages(audio_common_msgs.msg, rate, channels)
        sound = soxr.resample(make_demo_scene().sound(), world.SAMPLE_RATE, rate)
        pcm = np.round(sound.clip(-1, 1) * 32767).astype("<i2")
        self._chunks = np.repeat(pcm[:, None], channels, axis=1).reshape(-1, round(rate * CHUNK_S), channels)

    def message(self, number: int, stamp_ns: int) -> Any:
        """Return chunk `number` of the sound, counted from 0."""
        return self.messages.stamped(self._chunks[number % len(self._chunks)].tobytes(), stamp_ns)


class Camera:
    """Images of the scene, `IMAGE_RATE` per second."""

    def __init__(self) -> None:
        scene = make_demo_scene()
        count = scene.seconds * IMAGE_RATE
        self._images = [scene.picture(number / IMAGE_RATE, HEIGHT, WIDTH)[0] for number in range(count)]

    def message(
        self, number: int, stamp_ns: int, size: tuple[int, int] = (HEIGHT, WIDTH), encoding: str = "rgb8"
    ) -> Image:
        """Return image `number`, counted from 0, at `size` (height, width) in one of rgb8 and `ENCODINGS`."""
        rgb = self._images[number % len(self._images)]
        if size != rgb.shape[:2]:
            rgb = cv2.resize(rgb, size[::-1])
        conversion = _ENCODINGS[encoding]
        pixels = rgb if conversion is None else cv2.cvtColor(rgb, conversion)
        message = Image(height=size[0], width=size[1], encoding=encoding, step=pixels.nbytes // size[0])
        message.header.stamp, message.header.frame_id = time_message(stamp_ns), "soak_optical"
        message.data = array("B", pixels.tobytes())
        return message
