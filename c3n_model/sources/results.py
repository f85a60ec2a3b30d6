"""What became of a recording, on disk: masks, labels, and a video to look at.

| file | content |
|---|---|
| `masks/<stamp>.png` | 0 or 255 per pixel of the segmented frame; 19 digits of stamp (ns), so names sort by time |
| `labels.jsonl` | a JSON object per window: stamps, label with scores, presence, objects, heard, mask name |
| `overlay.mp4` | the recording at its own frame rate with its sound; each mask is held until the next one |
"""

from __future__ import annotations

import json
from collections import deque
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from c3n_model.pictures.overlay import draw_overlay
from c3n_model.sources.video_writer import VideoWriter
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame, Segmentation

# A frame waits for its mask: the window it is taken from closes up to half a second after the second's end.
_LONGEST_HOLD_NS = NANOSECONDS_PER_SECOND * 3 // 2


class ResultWriter:
    """Writes results into a folder while they come; replaces the results of a former run in it.

    A context manager. Give it every item of the source with `show` and every segmentation with `write`, in their order:

        with ResultWriter(folder) as results:
            for item in source:
                results.show(item)
                for segmentation in ...:
                    results.write(segmentation)
    """

    def __init__(self, folder: Path | str):
        self._folder = Path(folder)
        self._files = ExitStack()
        self._waiting: deque[Frame | AudioChunk] = deque()
        self._shown: Segmentation | None = None
        self._next: Segmentation | None = None

    def __enter__(self) -> ResultWriter:
        (self._folder / "masks").mkdir(parents=True, exist_ok=True)
        self._remove_former_masks()
        self._labels = self._files.enter_context((self._folder / "labels.jsonl").open("w", encoding="utf-8"))
        self._video = self._files.enter_context(VideoWriter(self._folder / "overlay.mp4"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._draw_until(None)
        self._files.__exit__(kind, error, trace)

    def show(self, item: Frame | AudioChunk) -> None:
        """The picture and the sound of the overlay video. Raises ValueError where the stamps jump far ahead."""
        self._waiting.append(item)
        self._draw_until(item.stamp_ns - _LONGEST_HOLD_NS)

    def write(self, segmentation: Segmentation) -> None:
        """The result of one window. Raises OSError if the mask cannot be written."""
        name = f"masks/{segmentation.stamp_ns:019d}.png"
        if not cv2.imwrite(str(self._folder / name), segmentation.mask.astype(np.uint8) * 255):
            raise OSError(f"cannot write {self._folder / name}")
        self._labels.write(json.dumps(describe(segmentation, name)) + "\n")
        self._labels.flush()
        self._draw_until(segmentation.stamp_ns - 1)
        self._next = segmentation

    def _draw_until(self, stamp_ns: int | None) -> None:
        """Pass what waits on to the video, up to a stamp or all of it."""
        while self._waiting and (stamp_ns is None or self._waiting[0].stamp_ns <= stamp_ns):
            item = self._waiting.popleft()
            self._video.write(self._drawn(item) if isinstance(item, Frame) else item)

    def _drawn(self, frame: Frame) -> Frame:
        if self._next is not None and frame.stamp_ns >= self._next.stamp_ns:
            self._shown = self._next
        if self._shown is None or self._shown.mask.shape != frame.rgb.shape[:2]:
            return frame
        return replace(frame, rgb=draw_overlay(frame.rgb, self._shown))

    def _remove_former_masks(self) -> None:
        """Only what a former run lists: the folder may hold other things."""
        labels = self._folder / "labels.jsonl"
        if labels.is_file():
            for line in labels.read_text(encoding="utf-8").splitlines():
                with suppress(ValueError, KeyError, TypeError):  # a line that a killed run left unfinished
                    (self._folder / json.loads(line)["mask"]).unlink(missing_ok=True)


def describe(segmentation: Segmentation, mask_name: str) -> dict:
    """A segmentation without its pixels, as JSON can hold it; of an object what is not known is left out."""
    return {
        "window_start_ns": segmentation.window_start_ns,
        "stamp_ns": segmentation.stamp_ns,
        "frame_id": segmentation.frame_id,
        "heard": segmentation.heard,
        "label": asdict(segmentation.label),
        "presence": asdict(segmentation.presence) | {"reason": segmentation.presence.reason},
        "objects": [_known(asdict(region)) for region in segmentation.objects],
        "mask": mask_name,
    }


def _known(entries: dict) -> dict:
    return {name: value for name, value in entries.items() if value is not None}
