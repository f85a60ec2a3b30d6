"""A bag through windows and session, scored; and what a live node made of the same bag, scored alike. No clock, no drops:
two runs give the same report to the last byte."""

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

_FRAMES_KEPT = 300  # ten seconds at 30 Hz, more than a window waits for
_PICTURE_WIDTH = 320


@dataclass(frozen=True)
class SeenWindow:
    """A window of the offline run: what it became, what is right (None: not known), and a small picture of both, rgb uint8
    (h, 320, 3), mask in orange and truth outlined in blue."""

    segmentation: Segmentation
    truth: Truth | None
    picture: np.ndarray


def run_offline(
    source: Source, session: Session, truths: TruthFolder | None, progress: Progress = silent
) -> list[SeenWindow]:
    """Every window of `source`, in order. Raises ValueError where no window can be cut, or a mask has another size."""
    frames: deque[Frame] = deque(maxlen=_FRAMES_KEPT)

    def keep(item: Frame | AudioChunk) -> None:
        if isinstance(item, Frame):
            frames.append(item)

    windows = []
    for segmentation in segment(progress(source, source.name), session, show=keep):
        truth = truths.of(segmentation) if truths else None
        frame = next(frame for frame in reversed(frames) if frame.stamp_ns == segmentation.stamp_ns)
        windows.append(SeenWindow(segmentation, truth, _draw(frame.rgb, segmentation, truth)))
    return windows


def report_on(windows: list[SeenWindow], live: list[LiveWindow] | None, truths: TruthFolder | None) -> dict[str, Any]:
    """Scores of the offline run, of the live run where there is one, their comparison, and a row a window.

    Raises ValueError if there are truths but none is of a window.
    """
    seen = [window.segmentation for window in windows]
    offline = score_masks(seen, [window.truth for window in windows])
    if truths and not offline["scored_windows"]:
        raise ValueError(
            f"none of the {len(truths)} masks is of a window: name them by the stamp of the frame or of the window's start, "
            f"of the first window {seen[0].stamp_ns} or {seen[0].window_start_ns}"
        )
    report = {"offline": {**offline, "seconds_without_window": _holes(seen)}}
    if live is not None:
        played = [window.segmentation for window in live]
        live_truths = [truths.of(segmentation) if truths else None for segmentation in played]
        report["live"] = {**score_masks(played, live_truths), **live_statistics(live)}
        report["live_and_offline"] = compare_runs(played, seen)
    published = {window.segmentation.stamp_ns: window for window in live or ()}
    report["windows"] = [_row(window, published.get(window.segmentation.stamp_ns)) for window in windows]
    return report


def read_live(recording: Path | None) -> list[LiveWindow] | None:
    """The windows of a recording of a live node, None where none was named."""
    return None if recording is None else read_recording(recording)


def _row(window: SeenWindow, live: LiveWindow | None) -> dict[str, Any]:
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


def _holes(seen: list[Segmentation]) -> int:
    """Whole seconds between the first and the last window that became none: their picture or sound was missing."""
    span_ns = seen[-1].window_start_ns - seen[0].window_start_ns
    return max(span_ns // NANOSECONDS_PER_SECOND + 1 - len(seen), 0)


def _draw(rgb: np.ndarray, segmentation: Segmentation, truth: Truth | None) -> np.ndarray:
    picture = draw_overlay(rgb, segmentation)
    if truth is not None:
        picture = outline_truth(picture, truth.mask)
    height = max(round(rgb.shape[0] * _PICTURE_WIDTH / rgb.shape[1]), 1)
    return cv2.resize(picture, (_PICTURE_WIDTH, height), interpolation=cv2.INTER_AREA)
