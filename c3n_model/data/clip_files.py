"""Read the files of one clip of either release: five frames, their masks, and one audio file.

`avsbench_object` and `avsbench_semantic` define the paths of these files. All functions can be called from several threads
and processes at once. A missing, truncated or invalid file raises a ValueError that names it; no clip is skipped silently.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from c3n_model.preprocess import resize_mask, snippet_from_samples
from c3n_model.sources.picture_files import open_picture, read_picture
from c3n_model.sources.wav_files import read_wav_data
from c3n_model.types import Clip

CLIP_FRAMES = 5
FRAME_SIZE = 224  # pixels; AVSBench resizes its frames to a square, ignoring their aspect ratio


@dataclass(frozen=True)
class ClipPaths:
    """Paths of one clip.

    `frames` are five paths. `masks` are the paths for the first frames, as many as have a mask: one in S4's training clips,
    otherwise five. `category` is the category in S4, "" in MS3. `in_view` are the classes in view, whether they sound or not, as
    far as the release says; empty if it does not.
    """

    name: str
    split: str
    category: str
    frames: tuple[Path, ...]
    masks: tuple[Path, ...]
    wav: Path
    in_view: frozenset[str] = frozenset()

    def files(self) -> tuple[Path, ...]:
        """List all files of the clip."""
        return (*self.frames, *self.masks, self.wav)


def mask_count(setting: str, split: str) -> int:
    """Return the number of frames with a mask, the only difference between S4 and MS3 clips."""
    return 1 if (setting, split) == ("s4", "train") else CLIP_FRAMES


def read_clip(paths: ClipPaths, sample_rate: int) -> Clip:
    """Read a clip, with frames and masks resized to 224 x 224 and audio resampled to `sample_rate`. Raises ValueError."""
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
    """Resize uint8 (H, W, 3) to (224, 224, 3) as AVSBench does, by Pillow's bilinear interpolation with antialiasing."""
    return np.asarray(Image.fromarray(rgb).resize((FRAME_SIZE, FRAME_SIZE), Image.Resampling.BILINEAR))


def squash_mask(mask: np.ndarray) -> np.ndarray:
    """Resize bool (H, W) to (224, 224), see `resize_mask`."""
    return resize_mask(mask, (FRAME_SIZE, FRAME_SIZE))


def read_mask(path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """Read a mask as bool (H, W), False for background. Raises ValueError if unreadable or not of `size` (H, W)."""
    image = open_picture(path)
    if size is not None and (image.height, image.width) != tuple(size):
        raise ValueError(
            f"mask {path} is {image.width}x{image.height}, expected its frame's size {size[1]}x{size[0]}; "
            "copy the frame and the mask again"
        )
    return sounding(image)


def sounding(mask: Image.Image) -> np.ndarray:
    """Return the nonzero pixels as bool (H, W).

    For palette images the index decides, whatever its colour (as AVSBench reads them); for colour images the colour. Alpha
    is ignored.
    """
    values = np.asarray(mask)
    if values.ndim == 3:
        colours = range(1 if mask.mode == "LA" else 3)
        values = reduce(np.bitwise_or, (values[..., colour] for colour in colours))  # ten times as fast as any(axis=-1)
    return values != 0


def read_snippets(path: Path, sample_rate: int) -> np.ndarray:
    """Read the first five seconds, split into seconds and then resampled: float32 (5, sample_rate). Raises ValueError."""
    samples, rate = read_sound(path)
    seconds = (samples[second * rate : (second + 1) * rate] for second in range(CLIP_FRAMES))
    return np.stack([snippet_from_samples(second, rate, sample_rate) for second in seconds])


def read_sound(path: Path) -> tuple[np.ndarray, int]:
    """Read up to five seconds: float32 (n, channels), and the sample rate [Hz].

    Raises ValueError for a file that is missing, unreadable, truncated, shorter than one second or not finite.
    """
    try:
        data = read_wav_data(path)
        with soundfile.SoundFile(_readable_wav(path)) as file:
            rate = file.samplerate
            samples = file.read(CLIP_FRAMES * rate, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise ValueError(f"{path} is missing or not a readable wav ({error}); copy or create it again") from error
    if data is not None and data.missing_bytes:
        raise ValueError(f"{path} is truncated: {data.missing_bytes} bytes are missing; copy or create it again")
    if len(samples) < rate:
        raise ValueError(
            f"{path} has {len(samples) / rate:.2f} s of sound, expected {CLIP_FRAMES} s and at least one; "
            "extract it from its video again: c3n prepare"
        )
    if not np.isfinite(samples).all():
        raise ValueError(
            f"{path} has {np.count_nonzero(~np.isfinite(samples))} samples that are NaN or infinite, expected "
            "numbers in [-1, 1]; extract it from its video again: c3n prepare"
        )
    return samples, rate


def _readable_wav(path: Path) -> Path | io.BytesIO:
    """Return the path, or the file's bytes with the size of its data filled in if the writer left 0 there."""
    data = read_wav_data(path)
    if data is None or data.claimed_bytes or not data.is_placeholder:
        return path
    content = bytearray(path.read_bytes())
    content[data.offset - 4 : data.offset] = data.present_bytes.to_bytes(4, "little")
    content[4:8] = (len(content) - 8).to_bytes(4, "little")
    return io.BytesIO(content)


def read_rows(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """Read the rows of a csv as {column: cell}, in the order of its columns.

    Raises ValueError, naming the file and line, for an unreadable csv or a missing column or cell of `needed`.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [[cell.strip() for cell in line] for line in csv.reader(file)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a readable csv ({error}); copy it again") from error
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
