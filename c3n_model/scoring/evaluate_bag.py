"""Score a bag offline, and compare it with a recording of the live node on the same bag.

The offline run uses no clock and drops nothing, so that two runs give identical reports.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from c3n_model.pictures.overlay import draw_overlay, outline_truth
from c3n_model.progress import Progress, silent
from c3n_model.scoring.bag_scores import Truth, TruthFolder, compare_runs, live_statistics, mask_iou, score_masks
from c3n_model.scoring.recording import LiveWindow, read_recording
from c3n_model.sources import Source
from c3n_model.streaming.segment import segment
from c3n_model.streaming.session import Session
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame, Segmentation

_FRAMES_KEPT = 300  # ten seconds at 30 Hz, longer than any window waits
_PICTURE_WIDTH = 320


@dataclass(frozen=True)
class OfflineWindow:
    """A window of the offline run, its truth (None if unknown) and a picture of both.

    `picture` is RGB uint8 (h, 320, 3), with the mask in orange and the truth outlined in blue.
    """

    segmentation: Segmentation
    truth: Truth | None
    picture: np.ndarray


def run_offline(
    source: Source, session: Session, truths: TruthFolder | None, progress: Progress = silent
) -> list[OfflineWindow]:
    """Segment every window of `source`, in order. Raises ValueError if there is no window, or a mask has another size."""
    frames: deque[Frame] = deque(maxlen=_FRAMES_KEPT)

    def keep(item: Frame | AudioChunk) -> None:
        if isinstance(item, Frame):
            frames.append(item)

    windows = []
    for segmentation in segment(progress(source, source.name), session, show=keep):
        truth = truths.of(segmentation) if truths else None
        frame = next(frame for frame in reversed(frames) if frame.stamp_ns == segmentation.stamp_ns)
        windows.append(OfflineWindow(segmentation, truth, _draw(frame.rgb, segmentation, truth)))
    return windows


def report_on(
    windows: list[OfflineWindow], live: list[LiveWindow] | None, truths: TruthFolder | None
) -> dict[str, Any]:
    """Report the scores of the offline run, of the live run if there is one, their comparison, and one row per window.

    Raises ValueError if there are truths but none belongs to a window.
    """
    seen = [window.segmentation for window in windows]
    offline = score_masks(seen, [window.truth for window in windows])
    if truths and not offline["scored_windows"]:
        raise ValueError(
            f"none of the {len(truths)} masks belongs to a window; name them by the stamp of the frame or of the window's "
            f"start, such as {seen[0].stamp_ns} or {seen[0].window_start_ns} for the first window"
        )
    report = {"offline": {**offline, "seconds_without_window": _count_gaps(seen)}}
    if live is not None:
        published = [window.segmentation for window in live]
        live_truths = [truths.of(segmentation) if truths else None for segmentation in published]
        report["live"] = {**score_masks(published, live_truths), **live_statistics(live)}
        report["live_and_offline"] = compare_runs(published, seen)
    live_by_stamp = {window.segmentation.stamp_ns: window for window in live or ()}
    report["windows"] = [_row(window, live_by_stamp.get(window.segmentation.stamp_ns)) for window in windows]
    return report


def read_live(recording: Path | None) -> list[LiveWindow] | None:
    """Read the windows of a live recording; None if no recording is given."""
    return None if recording is None else read_recording(recording)


def _row(window: OfflineWindow, live: LiveWindow | None) -> dict[str, Any]:
    seen, truth = window.segmentation, window.truth
    row = {
        "window_start_ns": seen.window_start_ns,
        "stamp_ns": seen.stamp_ns,
        "audio_label": seen.label.audio,
        "visual_label": seen.label.visual,
        "audible": bool(seen.presence.audible),
        "visible": bool(seen.presence.visible),
        "mask_area": float(seen.mask.mean()),
        "truth_area": None if truth is None else float(truth.mask.mean()),
        "truth_labels": None if truth is None else sorted(truth.labels),
        "iou": None if truth is None else mask_iou(seen.mask, truth.mask),
    }
    if live is not None:
        row["live_offline_iou"] = mask_iou(live.segmentation.mask, seen.mask)
        row["latency_ms"] = None if live.latency_s is None else 1000 * live.latency_s
    return row


def _count_gaps(seen: list[Segmentation]) -> int:
    """Count the seconds between the first and the last window without a window, for lack of frames or sound."""
    span_ns = seen[-1].window_start_ns - seen[0].window_start_ns
    return max(span_ns // NANOSECONDS_PER_SECOND + 1 - len(seen), 0)


def _draw(rgb: np.ndarray, segmentation: Segmentation, truth: Truth | None) -> np.ndarray:
    picture = draw_overlay(rgb, segmentation)
    if truth is not None:
        picture = outline_truth(picture, truth.mask)
    height = max(round(rgb.shape[0] * _PICTURE_WIDTH / rgb.shape[1]), 1)
    return cv2.resize(picture, (_PICTURE_WIDTH, height), interpolation=cv2.INTER_AREA)
