"""Write masks, labels and an overlay video to a folder.

| file | content |
|---|---|
| `masks/<stamp>.png` | 0 or 255 per pixel of the segmented frame; the stamp in ns has 19 digits, so names sort by time |
| `labels.jsonl` | a JSON object per window: stamps, label with scores, presence, objects, heard, mask name |
| `overlay.mp4` | the recording at its own frame rate with its sound; each mask is held until the next one |
"""

from __future__ import annotations

import json
import re
from collections import deque
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from pathlib import Path
from secrets import token_hex
from types import TracebackType

import cv2
import numpy as np

from c3n_model.complete_file import complete_file, move_into_place
from c3n_model.files.outputs import locked, refuse_overwriting
from c3n_model.pictures.overlay import draw_overlay
from c3n_model.sources.video_writer import VideoWriter
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame, Segmentation

LABELS, OVERLAY, MASKS = "labels.jsonl", "overlay.mp4", "masks"
_MASK_NAME = re.compile(rf"{MASKS}/[0-9]{{19}}\.png")
_PARTIAL_NAME = re.compile(rf"({LABELS}|{OVERLAY}|[0-9]{{19}}\.png)\.[0-9a-f]{{8}}\.partial")
# How long frames wait for their mask: their window closes up to half a second after its end.
_LONGEST_HOLD_NS = NANOSECONDS_PER_SECOND * 3 // 2


class ResultWriter:
    """Writes results to a folder, replacing those of an earlier run; other files in it are not changed.

    A context manager that locks the folder. Pass every item of the source to `show` and every segmentation to `write`, in
    order:

        with ResultWriter(folder, source=path) as results:
            for item in source:
                results.show(item)
                for segmentation in ...:
                    results.write(segmentation)

    Every file gets its name when it is complete. After an exception, the masks and labels so far are kept.
    """

    def __init__(self, folder: Path | str, source: Path | str | None = None):
        """`source`: the recording that is read. Raises ValueError if a result would overwrite it."""
        self._folder = Path(folder)
        refuse_overwriting([source], [self._folder / name for name in (LABELS, OVERLAY, MASKS)])
        self._files = ExitStack()
        self._waiting: deque[Frame | AudioChunk] = deque()
        self._shown: Segmentation | None = None
        self._next: Segmentation | None = None

    def __enter__(self) -> ResultWriter:
        """Raises BlockingIOError if another process writes to the folder, FileExistsError for an overlay video that is not from
        an earlier run."""
        with ExitStack() as files:
            files.enter_context(locked(self._folder))
            self._remove_former_results()
            (self._folder / MASKS).mkdir(exist_ok=True)
            self._video = files.enter_context(VideoWriter(self._folder / OVERLAY))
            self._partial = self._folder / f"{LABELS}.{token_hex(4)}.partial"
            self._labels = files.enter_context(self._partial.open("x", encoding="utf-8"))
            self._files = files.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._draw_until(None)
        finally:
            self._labels.flush()
            move_into_place(self._partial, self._folder / LABELS)  # first, because it marks the video as a result
            self._files.__exit__(kind, error, trace)

    def show(self, item: Frame | AudioChunk) -> None:
        """Append an item to the overlay video. Raises ValueError if the stamps jump far ahead."""
        self._waiting.append(item)
        self._draw_until(item.stamp_ns - _LONGEST_HOLD_NS)

    def write(self, segmentation: Segmentation) -> None:
        """Write the result of one window. Raises OSError if the mask cannot be written."""
        name = f"{MASKS}/{segmentation.stamp_ns:019d}.png"
        _, png = cv2.imencode(".png", segmentation.mask.astype(np.uint8) * 255)
        with complete_file(self._folder / name) as partial:
            partial.write_bytes(png.tobytes())
        self._labels.write(json.dumps(describe(segmentation, name)) + "\n")
        self._labels.flush()
        self._draw_until(segmentation.stamp_ns - 1)
        self._next = segmentation

    def _draw_until(self, stamp_ns: int | None) -> None:
        """Write the waiting items to the video, up to a stamp or all of them."""
        while self._waiting and (stamp_ns is None or self._waiting[0].stamp_ns <= stamp_ns):
            item = self._waiting.popleft()
            self._video.write(self._drawn(item) if isinstance(item, Frame) else item)

    def _drawn(self, frame: Frame) -> Frame:
        if self._next is not None and frame.stamp_ns >= self._next.stamp_ns:
            self._shown = self._next
        if self._shown is None or self._shown.mask.shape != frame.rgb.shape[:2]:
            return frame
        return replace(frame, rgb=draw_overlay(frame.rgb, self._shown))

    def _remove_former_results(self) -> None:
        """Remove the results of an earlier run. Mask names from its labels are used only if they have the expected form."""
        labels, overlay = self._folder / LABELS, self._folder / OVERLAY
        if overlay.exists() and not labels.is_file():
            raise FileExistsError(
                f"{overlay} is not from an earlier run, because {LABELS} is missing beside it: choose another folder"
            )
        is_own = (self._folder / MASKS).resolve().parent == self._folder.resolve()
        if labels.is_file():
            for line in labels.read_text(encoding="utf-8", errors="replace").splitlines() if is_own else ():
                with suppress(ValueError, KeyError, TypeError):  # a line that a killed run left unfinished
                    if _MASK_NAME.fullmatch(name := json.loads(line)["mask"]):
                        (self._folder / name).unlink(missing_ok=True)
            overlay.unlink(missing_ok=True)
            labels.unlink()  # last: it tells whose the video is
        for folder in (self._folder, self._folder / MASKS) if is_own else (self._folder,):
            for file in folder.glob("*.partial"):  # of killed runs; no other process writes while the folder is locked
                if _PARTIAL_NAME.fullmatch(file.name):
                    file.unlink()


def describe(segmentation: Segmentation, mask_name: str) -> dict:
    """Describe a segmentation without its pixels as JSON values; unknown fields of an object are left out."""
    sound = {} if segmentation.sound.bearing is None else {"sound": _known(asdict(segmentation.sound))}
    motion = {"motion_decision": segmentation.motion_decision} if segmentation.motion_decision else {}
    return (
        {
            "window_start_ns": segmentation.window_start_ns,
            "stamp_ns": segmentation.stamp_ns,
            "frame_id": segmentation.frame_id,
            "heard": segmentation.heard,
            "label": asdict(segmentation.label),
            "presence": asdict(segmentation.presence) | {"reason": segmentation.presence.reason},
            "objects": [_known(asdict(region)) for region in segmentation.objects],
            "mask": mask_name,
        }
        | sound
        | motion
    )


def _known(entries: dict) -> dict:
    return {name: value for name, value in entries.items() if value is not None}
