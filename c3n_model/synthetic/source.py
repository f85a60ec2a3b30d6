"""A synthetic scene as a stream of camera frames and audio chunks."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import numpy as np

from c3n_model.preprocess import snippet_from_samples
from c3n_model.sources.media import arrival_ns
from c3n_model.synthetic import world
from c3n_model.synthetic.scenes import Scene, make_demo_scene
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame

CHUNK_SAMPLES = world.SAMPLE_RATE // 50  # 20 ms, as audio_capture delivers them


class SceneSource:
    """Frames and audio of `scene`, with stamps from 0. A frame at the very end completes the last second."""

    notes, has_sound = (), True

    def __init__(self, scene: Scene, *, height: int, width: int, frame_rate: int, frame_id: str = "camera_optical"):
        self.scene, self.height, self.width, self.frame_rate = scene, height, width, frame_rate
        self.frame_id = frame_id
        self.name = "scene"
        self.duration_s = float(scene.seconds)

    def __length_hint__(self) -> int:
        return self.scene.seconds * (self.frame_rate + 50) + 1

    def __iter__(self) -> Iterator[Frame | AudioChunk]:
        return heapq.merge(self._frames(), self._chunks(), key=arrival_ns)

    def _frames(self) -> Iterator[Frame]:
        for number in range(self.scene.seconds * self.frame_rate + 1):
            rgb, _ = self.scene.picture(number / self.frame_rate, self.height, self.width)
            yield Frame(rgb, number * NANOSECONDS_PER_SECOND // self.frame_rate, self.frame_id)

    def _chunks(self) -> Iterator[AudioChunk]:
        samples = self.scene.sound()[:, None]
        for start in range(0, len(samples), CHUNK_SAMPLES):
            stamp_ns = start * NANOSECONDS_PER_SECOND // world.SAMPLE_RATE
            yield AudioChunk(samples[start : start + CHUNK_SAMPLES], world.SAMPLE_RATE, stamp_ns)


def demo_seconds(count: int, sample_rate: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The first `count` seconds of the demo scene: frames uint8 (240, 320, 3) and snippets float32 (sample_rate,)."""
    scene, rate = make_demo_scene(), world.SAMPLE_RATE
    sound = scene.sound()[:, None]
    return [
        (
            scene.picture(second + 15 / 16, 240, 320)[0],
            snippet_from_samples(sound[second * rate : (second + 1) * rate], rate, sample_rate),
        )
        for second in range(count)
    ]
