"""The benchmark's pictures: a row a scene, the truth beside what methods made of it."""

from __future__ import annotations

import cv2
import numpy as np

from c3n_model.experiments.zero_shot.methods import Answer
from c3n_model.experiments.zero_shot.scenes import Scene
from c3n_model.pictures.overlay import contact_sheet, draw_mask

SHOWN = {
    "vision_only": "most seen",
    "plain_c3im": "plain C3IM",
    "classifiers": "classifiers",
    "with_segmenter": "with segmenter",
}
SHOWN_SCENES = 12
CELL = (320, 240)


class Gallery:
    """Collects the pictures of one scene for each picture and category: `add` is `score_scenes`' `keep`."""

    def __init__(self):
        self._seen: set[tuple[str, str]] = set()
        self.scenes: list[tuple[Scene, dict[str, Answer]]] = []

    def add(self, scene: Scene, answers: dict[str, Answer]) -> None:
        """Keep the first scene of each picture and category."""
        if (scene.picture.name, scene.noun) not in self._seen:
            self._seen.add((scene.picture.name, scene.noun))
            self.scenes.append((scene, answers))

    def sheet(self) -> np.ndarray:
        """A row a scene, rare categories first: truth, then the methods of SHOWN."""
        counts = {scene.noun: sum(other.noun == scene.noun for other, _ in self.scenes) for scene, _ in self.scenes}
        chosen = sorted(self.scenes, key=lambda entry: (counts[entry[0].noun], entry[0].noun))[:SHOWN_SCENES]
        methods = [name for name in SHOWN if name in chosen[0][1]]
        pictures, captions = [], []
        for scene, answers in chosen:
            pictures.append(draw_mask(scene.picture.rgb, scene.mask))
            captions.append(f"truth: {scene.noun} (sound {scene.sound.name})")
            for name in methods:
                height, width = scene.mask.shape
                mask = cv2.resize(answers[name].confidence, (width, height)) > 0.5
                pictures.append(draw_mask(scene.picture.rgb, mask))
                captions.append(f"{SHOWN[name]}: {answers[name].noun.split(',')[0]}")
        return contact_sheet([_letterbox(picture) for picture in pictures], captions, columns=1 + len(methods))


def _letterbox(rgb: np.ndarray) -> np.ndarray:
    """The picture, whole, in the middle of a CELL."""
    width, height = CELL
    scale = min(width / rgb.shape[1], height / rgb.shape[0])
    size = max(round(rgb.shape[1] * scale), 1), max(round(rgb.shape[0] * scale), 1)
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    cell = np.full((height, width, 3), 24, np.uint8)
    y, x = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    cell[y : y + small.shape[0], x : x + small.shape[1]] = small
    return cell
