"""Render a scene: the background under a moving camera, with pasted things in its light, soft edges and occlusion."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from c3n_model.compose.camera_motion import Camera, move_camera
from c3n_model.compose.material import Thing
from c3n_model.compose.scene_plan import ScenePlan
from c3n_model.data.clip_files import CLIP_FRAMES, FRAME_SIZE
from c3n_model.preprocess import resize_mask

CANVAS = 304  # pixels; the view is at most ZOOM of it, so that frames are hardly enlarged
SOURCE_SIDE, SILENT_SIDE = (0.3, 0.75), (0.25, 0.55)  # longest side of a pasted thing, as a fraction of the canvas
LIGHT = (0.3, 0.8)  # how far the lightness of a thing is moved to that of its surroundings
EDGE = 0.8  # pixels, standard deviation of the blur of a thing's outline
BEHIND = 0.3  # how often a thing stands behind one of the picture
DRIFT = 0.08  # most movement of a thing over the clip, as a fraction of the canvas
TILT = 0.12  # rad


@dataclass(frozen=True)
class Pasted:
    """A thing on the canvas: `patch` float32 (h, w, 4), colours premultiplied by alpha; its movement; and what hides it, bool
    (CANVAS, CANVAS) or None."""

    noun: str
    patch: np.ndarray
    centre: np.ndarray
    drift: np.ndarray
    tilt: float
    hidden_by: np.ndarray | None

    def place(self, progress: float) -> np.ndarray:
        """Return the affine map (2, 3) from the patch to the canvas; `progress` in [-0.5, 0.5]."""
        height, width = self.patch.shape[:2]
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        linear = np.array([[cos, -sin], [sin, cos]])
        centre = self.centre + self.drift * progress
        return np.column_stack([linear, centre - linear @ (width / 2, height / 2)])


def render(plan: ScenePlan, random: np.random.Generator) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    """Render the frames uint8 (T, S, S, 3), and for each frame what is visible of each noun, bool (S, S)."""
    rgb = plan.background.read()
    aspect = rgb.shape[0] / rgb.shape[1]
    regions = [
        (region.noun, resize_mask(region.mask(rgb.shape[:2]), (CANVAS, CANVAS))) for region in plan.background.regions
    ]
    canvas = cv2.resize(rgb, (CANVAS, CANVAS), interpolation=cv2.INTER_AREA)
    regions.sort(key=lambda entry: -int(entry[1].sum()))  # what is small is in front
    if random.random() < 0.5:
        canvas = np.ascontiguousarray(canvas[:, ::-1])
        regions = [(noun, np.ascontiguousarray(mask[:, ::-1])) for noun, mask in regions]
    silent = len(plan.silent)
    pasted = [
        _paste(thing, canvas, regions, aspect, SILENT_SIDE if number < silent else SOURCE_SIDE, random)
        for number, thing in enumerate(plan.pasted)
    ]
    camera = move_camera(CLIP_FRAMES, random)
    views = [_view(canvas, regions, pasted, camera, second) for second in range(CLIP_FRAMES)]
    return np.stack([frame for frame, _ in views]), [visible for _, visible in views]


def _view(
    canvas: np.ndarray, regions: list[tuple[str, np.ndarray]], pasted: list[Pasted], camera: Camera, second: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Render one frame."""
    view, size = camera.view(second, CANVAS, FRAME_SIZE), (FRAME_SIZE, FRAME_SIZE)
    frame = cv2.warpAffine(canvas, view, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101).astype(
        np.float32
    )
    nouns = sorted({noun for noun, _ in regions} | {thing.noun for thing in pasted})
    owners = np.zeros((CANVAS, CANVAS), np.uint8)
    for noun, mask in regions:
        owners[mask] = nouns.index(noun) + 1
    owners = cv2.warpAffine(owners, view, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101)
    for thing in pasted:
        place = view @ np.vstack([thing.place(second / (CLIP_FRAMES - 1) - 0.5), [0, 0, 1]])
        patch = cv2.warpAffine(thing.patch, place, size, flags=cv2.INTER_LINEAR, borderValue=(0, 0, 0, 0))
        if thing.hidden_by is not None:
            hidden = cv2.warpAffine(thing.hidden_by.astype(np.float32), view, size, flags=cv2.INTER_LINEAR)
            patch *= 1 - hidden[..., None]
        alpha = patch[..., 3:]
        frame = frame * (1 - alpha) + patch[..., :3]
        owners[alpha[..., 0] > 0.5] = nouns.index(thing.noun) + 1
    return np.rint(frame).clip(0, 255).astype(np.uint8), {noun: owners == k + 1 for k, noun in enumerate(nouns)}


def _paste(
    thing: Thing, canvas: np.ndarray, regions: list[tuple[str, np.ndarray]], aspect: float, side: tuple[float, float],
    random: np.random.Generator,
) -> Pasted:  # fmt: skip
    """Cut a thing out and choose its place on the canvas; `aspect` is the background's height over its width."""
    rgb, alpha = cut_out(thing)
    if random.random() < 0.5:
        rgb, alpha = rgb[:, ::-1], alpha[:, ::-1]
    scale = random.uniform(*side) * CANVAS / max(alpha.shape)
    width, height = max(round(alpha.shape[1] * scale * min(aspect, 1.4)), 8), max(round(alpha.shape[0] * scale), 8)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    patch = np.dstack([rgb * alpha[..., None], alpha]).astype(np.float32)  # premultiplied: no bleeding at edges
    patch = cv2.GaussianBlur(cv2.resize(patch, (width, height), interpolation=method), (0, 0), EDGE)
    middle = np.array([random.uniform(0.2, 0.8), random.uniform(0.4, 0.75)]) * CANVAS
    patch = _relight(patch, _surroundings(canvas, middle, max(width, height)), random.uniform(*LIGHT))
    hides = [mask for _, mask in regions if mask.any()]
    hidden_by = hides[int(random.integers(len(hides)))] if hides and random.random() < BEHIND else None
    drift = random.uniform(-DRIFT, DRIFT, 2) * CANVAS
    return Pasted(thing.noun, patch, middle, drift, random.uniform(-TILT, TILT), hidden_by)


def cut_out(thing: Thing) -> tuple[np.ndarray, np.ndarray]:
    """Read a thing: rgb uint8 (h, w, 3) and alpha float32 (h, w). Raises ValueError if nothing of it is there."""
    if thing.cutout is not None:
        return thing.cutout.read()
    assert thing.picture is not None and thing.region is not None
    rgb = thing.picture.read()
    mask = thing.region.mask(rgb.shape[:2])
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        raise ValueError(f"{thing.picture.path} has an empty region of a {thing.noun}")
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return rgb[window], mask[window].astype(np.float32)


def _surroundings(canvas: np.ndarray, middle: np.ndarray, side: int) -> np.ndarray:
    x, y = middle.astype(int)
    half = max(side // 2, 8)
    return canvas[max(y - half, 0) : y + half, max(x - half, 0) : x + half]


def _relight(patch: np.ndarray, surroundings: np.ndarray, amount: float) -> np.ndarray:
    """Move mean and spread of a patch's lightness towards those of its surroundings."""
    alpha = patch[..., 3]
    inside = alpha > 0.5
    if not inside.any():
        return patch
    grey = cv2.cvtColor(surroundings, cv2.COLOR_RGB2GRAY)
    own = patch[..., :3].mean(axis=2)[inside]
    gain = 1 + amount * 0.5 * (np.clip(grey.std() / max(own.std(), 1.0), 0.5, 2.0) - 1)
    shift = amount * 0.5 * (grey.mean() - own.mean())
    lit = (patch[..., :3] - own.mean() * alpha[..., None]) * gain + (own.mean() + shift) * alpha[..., None]
    return np.dstack([lit.clip(0, 255 * alpha[..., None]), alpha]).astype(np.float32)
