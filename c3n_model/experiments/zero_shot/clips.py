"""Recorded clips: with masks in `truth.json`, or silent.

`clips/truth.json` contains the ground truth of the videos in its folder per second (seconds that are not listed are not
scored):

    {"street.mp4": [{"second": 0, "sounding": ["dog"], "polygons": [[0.1, 0.4, 0.3, 0.4, 0.3, 0.9]]},
                    {"second": 3, "sounding": [], "polygons": []}]}

`sounding` are the correct nouns; `polygons` outline the sounding objects as x y x y ..., in fractions of width and height.
Without polygons, nothing in view sounds. Polygons belong to the frame at 15/16 of the second, which a session segments.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from c3n_model.compose.noises import RATE
from c3n_model.compose.polygon_files import draw_polygon
from c3n_model.experiments.zero_shot.sounds import videos
from c3n_model.labels.sound_sources import noun_of
from c3n_model.preprocess import snippet_from_samples
from c3n_model.sources.media import VideoSource
from c3n_model.streaming.segment import cut_windows
from c3n_model.types import NANOSECONDS_PER_SECOND, Clip, Window

TRUTH = "truth.json"


@dataclass(frozen=True)
class RecordedSecond:
    """A second of a video with its true mask, used like a `scenes.Scene` (see there for the fields).

    `windows` are all seconds up to this one, oldest first, with snippets at RATE.
    """

    name: str
    group: str
    noun: str
    right: frozenset[str]
    windows: tuple[Window, ...]
    mask: np.ndarray

    def clip(self, sample_rate: int, history: int) -> Clip:
        """Return the second as the last one of a clip of up to `history` seconds."""
        windows = self.windows[-history:]
        snippets = [snippet_from_samples(window.snippet[:, None], RATE, sample_rate) for window in windows]
        frames = np.stack([window.frame.rgb for window in windows])
        masks = np.zeros(frames.shape[:3], bool)
        masks[-1] = self.mask
        last = np.arange(len(windows)) == len(windows) - 1
        return Clip(self.name, frames, np.stack(snippets), masks, last, self.noun)


def read_windows(path: Path) -> tuple[Window, ...]:
    """Read the seconds of a video with snippets at RATE; a missing sound track is silence.

    Raises ValueError, naming the file.
    """
    try:
        return tuple(cut_windows(VideoSource(path, allow_silent=True), RATE))
    except ValueError as error:
        raise ValueError(str(error) if str(path) in str(error) else f"{path}: {error}") from error


def silent_seconds(folder: Path) -> list[RecordedSecond]:
    """Read every second of the silent videos in a folder; their true masks are empty."""
    seconds = []
    for path in videos(folder):
        windows = read_windows(path)
        empty = np.zeros(windows[0].frame.rgb.shape[:2], bool)
        seconds += [_second(path, windows, index, "silence", frozenset(), empty) for index in range(len(windows))]
    return seconds


def true_seconds(folder: Path) -> list[RecordedSecond]:
    """Read the seconds of the videos in `truth.json`; none without the file.

    Raises:
        ValueError: an invalid truth.json, a missing video, or a second beyond its end.
    """
    seconds = []
    for name, rows in _read_truth(folder / TRUTH).items():
        path = folder / name
        if not path.is_file():
            raise ValueError(f"{folder / TRUTH} lists {name}; expected this video in the same folder")
        windows = read_windows(path)
        by_second = {window.start_ns // NANOSECONDS_PER_SECOND: index for index, window in enumerate(windows)}
        for row in rows:
            if row["second"] not in by_second:
                raise ValueError(
                    f"{folder / TRUTH} lists second {row['second']} of {name}, which has {len(windows)} seconds"
                )
            index = by_second[row["second"]]
            mask = np.zeros(windows[index].frame.rgb.shape[:2], bool)
            for polygon in row["polygons"]:
                mask |= draw_polygon(polygon, mask.shape, f"{folder / TRUTH}, second {row['second']} of {name},")
            nouns = frozenset(map(noun_of, row["sounding"]))
            noun = " and ".join(sorted(nouns)) or "nothing"
            seconds.append(_second(path, windows, index, noun, nouns if mask.any() else frozenset(), mask))
    return seconds


def _read_truth(path: Path) -> dict[str, list[dict]]:
    if not path.is_file():
        return {}
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(name): [
                {
                    "second": int(row["second"]),
                    "sounding": [str(noun) for noun in row["sounding"]],
                    "polygons": [list(map(float, polygon)) for polygon in row["polygons"]],
                }
                for row in rows
            ]
            for name, rows in table.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} does not have the form {{video: [{{second, sounding, polygons}}]}}: {type(error).__name__} {error}"
        ) from error


def _second(
    path: Path, windows: tuple[Window, ...], index: int, noun: str, right: frozenset[str], mask: np.ndarray
) -> RecordedSecond:
    second = windows[index].start_ns // NANOSECONDS_PER_SECOND
    return RecordedSecond(f"{path.stem}, second {second}", path.stem, noun, right, windows[: index + 1], mask)
