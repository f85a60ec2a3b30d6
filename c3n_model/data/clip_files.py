"""One clip on disk, whatever the release: five frames, the masks that belong to them, one sound.

A release is a file beside this one (`avsbench_object`, `avsbench_semantic`) that says where these lie; here they are read.
Everything can be read from several threads and processes at once. A file that is missing, cut or not what it should be
is a ValueError with its name: no clip is left out in silence.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import cv2
import numpy as np
import soundfile
from PIL import Image

from c3n_model.preprocess import snippet_from_samples
from c3n_model.sources.picture_files import open_picture, read_picture
from c3n_model.sources.wav_files import read_wav_data
from c3n_model.types import Clip

CLIP_FRAMES = 5
FRAME_SIZE = 224  # pixels, both ways: AVSBench squashes its frames to a square


@dataclass(frozen=True)
class ClipPaths:
    """Where one clip lies. `frames` are five paths; `masks` one for each frame that has a mask, from the first on: one
    in S4's training clips, else five. `category` is that of S4, or ""."""

    name: str
    split: str
    category: str
    frames: tuple[Path, ...]
    masks: tuple[Path, ...]
    wav: Path

    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return (*self.frames, *self.masks, self.wav)


def mask_count(setting: str, split: str) -> int:
    """How many frames of a clip carry a mask. S4 and MS3 differ in nothing else."""
    return 1 if (setting, split) == ("s4", "train") else CLIP_FRAMES


def read_clip(paths: ClipPaths, sample_rate: int) -> Clip:
    """A clip, its frames and masks brought to 224 x 224 and its sound to `sample_rate`. Raises ValueError."""
    masks = np.zeros((CLIP_FRAMES, FRAME_SIZE, FRAME_SIZE), bool)
    frames = []
    for number, path in enumerate(paths.frames):
        frame = read_picture(path)
        if number < len(paths.masks):
            masks[number] = squash_mask(read_mask(paths.masks[number], frame.shape[:2]))
        frames.append(squash_frame(frame))
    has_mask = np.arange(CLIP_FRAMES) < len(paths.masks)
    snippets = read_snippets(paths.wav, sample_rate)
    return Clip(paths.name, np.stack(frames), snippets, masks, has_mask, paths.category)


def squash_frame(rgb: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) -> (224, 224, 3), area-resized."""
    if rgb.shape[:2] == (FRAME_SIZE, FRAME_SIZE):
        return rgb
    return cv2.resize(rgb, (FRAME_SIZE, FRAME_SIZE), interpolation=cv2.INTER_AREA)


def squash_mask(mask: np.ndarray) -> np.ndarray:
    """bool (H, W) -> (224, 224): the nearest pixel."""
    if mask.shape == (FRAME_SIZE, FRAME_SIZE):
        return mask
    return cv2.resize(mask.astype(np.uint8), (FRAME_SIZE, FRAME_SIZE), interpolation=cv2.INTER_NEAREST).astype(bool)


def read_mask(path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """bool (H, W): what is not background. Raises ValueError for a file that cannot be read, or not of `size` (H, W)."""
    image = open_picture(path)
    if size is not None and (image.height, image.width) != tuple(size):
        raise ValueError(
            f"mask {path} is {image.width}x{image.height}, expected its frame's size {size[1]}x{size[0]}; "
            "copy both again, they do not belong together"
        )
    return sounding(image)


def sounding(mask: Image.Image) -> np.ndarray:
    """bool (H, W): what is not 0. Of a palette that is the index, whatever its colour (AVSBench reads it so); of a
    coloured mask it is the colour; alpha says nothing."""
    values = np.asarray(mask)
    if values.ndim == 3:
        colours = range(1 if mask.mode == "LA" else 3)
        values = reduce(np.bitwise_or, (values[..., colour] for colour in colours))  # ten times as fast as any(axis=-1)
    return values != 0


def read_snippets(path: Path, sample_rate: int) -> np.ndarray:
    """The first five seconds, cut at whole seconds and then resampled: float32 (5, sample_rate). Raises ValueError."""
    samples, rate = read_sound(path)
    seconds = (samples[second * rate : (second + 1) * rate] for second in range(CLIP_FRAMES))
    return np.stack([snippet_from_samples(second, rate, sample_rate) for second in seconds])


def read_sound(path: Path) -> tuple[np.ndarray, int]:
    """The first five seconds, or as much as there is (but at least one): float32 (n, channels), and the rate.

    Raises ValueError for a sound that is missing, unreadable, cut, shorter than a second or not finite.
    """
    try:
        data = read_wav_data(path)
        with soundfile.SoundFile(_readable_wav(path)) as file:
            rate = file.samplerate
            samples = file.read(CLIP_FRAMES * rate, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise ValueError(f"{path} is missing or not a readable wav ({error}); copy or make it again") from error
    if data is not None and data.missing_bytes:
        raise ValueError(f"{path} is cut: {data.missing_bytes} of its bytes are missing; copy or make it again")
    if len(samples) < rate:
        raise ValueError(
            f"{path} has {len(samples) / rate:.2f} s of sound, expected {CLIP_FRAMES} s and at least one; "
            "make it again from its video: c3n prepare"
        )
    if not np.isfinite(samples).all():
        raise ValueError(
            f"{path} has {np.count_nonzero(~np.isfinite(samples))} samples that are NaN or infinite, expected "
            "numbers in [-1, 1]; make it again from its video: c3n prepare"
        )
    return samples, rate


def _readable_wav(path: Path) -> Path | io.BytesIO:
    """The file, or its bytes with the size of its data filled in where the writer left 0."""
    data = read_wav_data(path)
    if data is None or data.claimed_bytes or not data.is_placeholder:
        return path
    content = bytearray(path.read_bytes())
    content[data.offset - 4 : data.offset] = data.present_bytes.to_bytes(4, "little")
    content[4:8] = (len(content) - 8).to_bytes(4, "little")
    return io.BytesIO(content)


def read_rows(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a csv by column, in the order of its columns.

    Raises ValueError, naming file and line, for a file that is no csv, lacks a needed column or a needed cell.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [[cell.strip() for cell in line] for line in csv.reader(file)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is no readable csv ({error}); copy it again") from error
    header, rows = lines[0] if lines else [], []
    if missing := [column for column in needed if column not in header]:
        raise ValueError(f"{path} has no column {', '.join(missing)}; its header is {header}; copy it again")
    for number, line in enumerate(lines[1:], 2):
        row = dict(zip(header, line))
        if not any(line):
            continue
        if empty := [column for column in (header[0], *needed) if not row.get(column)]:
            raise ValueError(f"{path}, line {number} has no {' and no '.join(empty)}; fill it in or copy the csv again")
        rows.append(row)
    return rows
