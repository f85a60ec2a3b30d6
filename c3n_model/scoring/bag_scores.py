"""Scores of a recording: masks and labels against ground truth, and a live run against an offline run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from c3n_model.data.clip_files import read_mask
from c3n_model.scoring.metrics import count, frame_iou
from c3n_model.scoring.recording import LiveWindow
from c3n_model.types import Segmentation

LABELS_FILE = "labels.json"


@dataclass(frozen=True)
class Truth:
    """Ground truth of one window.

    `mask` bool (H, W) of the sounding objects in view; `labels` of the sounding objects, empty if unknown; `silent` if
    nothing sounds (a sound out of view is not silence).
    """

    mask: np.ndarray
    labels: frozenset[str]
    silent: bool


class TruthFolder:
    """A folder of PNG masks named by stamp, nonzero where something sounds, and optionally labels.json.

    A mask's name is the stamp [ns] of the window's frame or of the window's start, as `results.ResultWriter` names them.
    labels.json is `{stamp: [visual class, ...]}` with all sounding objects, in view or not; an empty list is silence. Without
    it, an empty mask is silence.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: no masks, or an invalid labels.json.
    """

    def __init__(self, folder: Path):
        if not folder.is_dir():
            raise FileNotFoundError(f"no such folder: {folder}; expected masks named by stamp, {_name(10**18)}")
        self._folder = folder
        self._masks = {int(file.stem): file for file in sorted(folder.glob("*.png")) if file.stem.isdecimal()}
        if not self._masks:
            raise ValueError(
                f"{folder} contains no masks; name them by the stamp of their frame or window in ns, like {_name(10**18)}"
            )
        self._labels = _read_labels(folder / LABELS_FILE)

    def __len__(self) -> int:
        return len(self._masks)

    def of(self, segmentation: Segmentation) -> Truth | None:
        """Return the truth of a window, or None if there is no mask. Raises ValueError for a mask of another size."""
        stamps = (segmentation.stamp_ns, segmentation.window_start_ns)
        stamp = next((stamp for stamp in stamps if stamp in self._masks), None)
        if stamp is None:
            return None
        mask = read_mask(self._masks[stamp], segmentation.mask.shape)
        labels = next((self._labels[stamp] for stamp in stamps if stamp in self._labels), None)
        silent = not mask.any() if labels is None else not labels
        return Truth(mask, labels or frozenset(), silent)


def _name(stamp_ns: int) -> str:
    return f"{stamp_ns:019d}.png"


def _read_labels(file: Path) -> dict[int, frozenset[str]]:
    if not file.is_file():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return {int(stamp): frozenset(map(str, labels)) for stamp, labels in content.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{file} is not {{stamp in ns: [label, ...]}}: {error}") from error


def score_masks(seen: Sequence[Segmentation], truths: Sequence[Truth | None]) -> dict[str, Any]:
    """Score the windows that have a truth.

    `mask_iou` is the mean over windows with a sounding object in view, `label_accuracy` over those of them with known labels;
    a silent window with any mask pixel is a false positive.
    """
    pairs = [(window, truth) for window, truth in zip(seen, truths, strict=True) if truth is not None]
    sounding = [(window, truth) for window, truth in pairs if truth.mask.any()]
    ious = [mask_iou(window.mask, truth.mask) for window, truth in sounding]
    named = [window.label.visual in truth.labels for window, truth in sounding if truth.labels]
    silent = [window for window, truth in pairs if truth.silent]
    return {
        "windows": len(seen),
        "scored_windows": len(pairs),
        "sounding_windows": len(sounding),
        "mask_iou": float(np.mean(ious)) if ious else None,
        "label_accuracy": float(np.mean(named)) if named else None,
        "silent_windows": len(silent),
        "silent_false_positives": sum(bool(window.mask.any()) for window in silent),
    }


def score_several(seen: Sequence[Segmentation], truths: Sequence[Truth | None]) -> dict[str, Any]:
    """Score the windows in which several things with different labels sound in view: their `mask_ious`, and in how many each of
    them is named by an object, and nothing else (`all_named`)."""
    pairs = [
        (window, truth)
        for window, truth in zip(seen, truths, strict=True)
        if truth is not None and truth.mask.any() and len(truth.labels) > 1
    ]
    return {
        "windows": len(pairs),
        "mask_ious": [round(mask_iou(window.mask, truth.mask), 3) for window, truth in pairs],
        "all_named": sum({found.label for found in window.objects} == truth.labels for window, truth in pairs),
    }


def live_statistics(live: Sequence[LiveWindow]) -> dict[str, Any]:
    """Count the windows that the node dropped for newer ones, and compute latency percentiles (None if unknown)."""
    latencies_ms = [1000 * window.latency_s for window in live if window.latency_s is not None]
    ranks = {"p50": 50, "p95": 95, "max": 100}
    latency = {name: float(np.percentile(latencies_ms, rank)) for name, rank in ranks.items()} if latencies_ms else None
    return {"dropped_windows": max(window.dropped_windows for window in live), "latency_ms": latency}


def compare_runs(live: Sequence[Segmentation], offline: Sequence[Segmentation]) -> dict[str, Any]:
    """Compare a live run with an offline run on the same input.

    Windows match if their start and frame are equal; `live_offline_iou` is the mean over matching windows (None without
    any), `live_offline_lowest_iou` the minimum.
    """
    by_window = {(window.window_start_ns, window.stamp_ns): window for window in offline}
    pairs = [
        (window, by_window[key]) for window in live if (key := (window.window_start_ns, window.stamp_ns)) in by_window
    ]
    ious = [mask_iou(first.mask, second.mask) for first, second in pairs]
    return {
        "offline_windows": len(offline),
        "live_offline_windows": len(pairs),
        "only_live_windows": len(live) - len(pairs),
        "only_offline_windows": len(offline) - len(pairs),
        "identical_masks": sum(np.array_equal(first.mask, second.mask) for first, second in pairs),
        "same_labels": sum(
            (first.label.audio, first.label.visual) == (second.label.audio, second.label.visual)
            for first, second in pairs
        ),
        "live_offline_iou": float(np.mean(ious)) if ious else None,
        "live_offline_lowest_iou": min(ious, default=None),
    }


def mask_iou(first: np.ndarray, second: np.ndarray) -> float:
    """Compute the IoU of two masks bool (H, W); 1 if both are empty. Raises ValueError if their shapes differ."""
    if not (first.any() or second.any()):
        return 1.0
    return float(frame_iou(count(first[None], second[None]))[0]) if second.any() else 0.0
