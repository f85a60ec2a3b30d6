"""Scores of a recording: masks and labels against what is right, a live run against an offline run."""

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
    """What is right for one window: `mask` bool (H, W) of what sounds in view, `labels` of it (none: not known), `silent` if
    nothing at all sounds (a sound out of view is not silence)."""

    mask: np.ndarray
    labels: frozenset[str]
    silent: bool


class TruthFolder:
    """Masks as PNG (what is not 0 sounds) named by stamp, and perhaps labels.json.

    A mask's name is the stamp in ns of the window's frame or of the window's start, as `results.ResultWriter` names them.
    labels.json is `{stamp: [visual class, ...]}`: what sounds, in view or not; nothing is silence. Without it, silence is
    an empty mask.

    Raises FileNotFoundError if there is no such folder, ValueError if no mask is in it or labels.json is none.
    """

    def __init__(self, folder: Path):
        if not folder.is_dir():
            raise FileNotFoundError(f"no such folder: {folder}; expected masks named by stamp, {_name(10**18)}")
        self._folder = folder
        self._masks = {int(file.stem): file for file in sorted(folder.glob("*.png")) if file.stem.isdecimal()}
        if not self._masks:
            raise ValueError(
                f"{folder} holds no masks named by the stamp of a frame or window in ns, like {_name(10**18)}"
            )
        self._labels = _read_labels(folder / LABELS_FILE)

    def __len__(self) -> int:
        return len(self._masks)

    def of(self, segmentation: Segmentation) -> Truth | None:
        """What is right for a window, None if nothing is known of it. Raises ValueError for a mask of another size."""
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
    """Scores of windows with a truth. `mask_iou` is the mean over windows in which something in view sounds,
    `label_accuracy` over those of them whose labels are known; a silent window with any mask pixel is a false positive."""
    pairs = [(window, right) for window, right in zip(seen, truths, strict=True) if right is not None]
    sounding = [(window, right) for window, right in pairs if right.mask.any()]
    ious = [mask_iou(window.mask, right.mask) for window, right in sounding]
    named = [window.label.visual in right.labels for window, right in sounding if right.labels]
    silent = [window for window, right in pairs if right.silent]
    return {
        "windows": len(seen),
        "scored_windows": len(pairs),
        "sounding_windows": len(sounding),
        "mask_iou": float(np.mean(ious)) if ious else None,
        "label_accuracy": float(np.mean(named)) if named else None,
        "silent_windows": len(silent),
        "silent_false_positives": sum(bool(window.mask.any()) for window in silent),
    }


def live_statistics(live: Sequence[LiveWindow]) -> dict[str, Any]:
    """Windows that the node dropped because a newer one was ready, and its latencies (None where they are not known)."""
    latencies_ms = [1000 * window.latency_s for window in live if window.latency_s is not None]
    parts = {"p50": 50, "p95": 95, "max": 100}
    latency = {name: float(np.percentile(latencies_ms, part)) for name, part in parts.items()} if latencies_ms else None
    return {"dropped_windows": max(window.dropped_windows for window in live), "latency_ms": latency}


def compare_runs(live: Sequence[Segmentation], offline: Sequence[Segmentation]) -> dict[str, Any]:
    """Whether a live run saw what an offline run of its input sees. Windows are the same if their start and their frame are;
    `live_offline_iou` is the mean over the shared ones (None if there are none), with the lowest beside it."""
    by_window = {(window.window_start_ns, window.stamp_ns): window for window in offline}
    pairs = [
        (window, by_window[key]) for window in live if (key := (window.window_start_ns, window.stamp_ns)) in by_window
    ]
    ious = [mask_iou(one.mask, two.mask) for one, two in pairs]
    return {
        "offline_windows": len(offline),
        "live_offline_windows": len(pairs),
        "only_live_windows": len(live) - len(pairs),
        "only_offline_windows": len(offline) - len(pairs),
        "identical_masks": sum(np.array_equal(one.mask, two.mask) for one, two in pairs),
        "same_labels": sum(
            (one.label.audio, one.label.visual) == (two.label.audio, two.label.visual) for one, two in pairs
        ),
        "live_offline_iou": float(np.mean(ious)) if ious else None,
        "live_offline_lowest_iou": min(ious, default=None),
    }


def mask_iou(first: np.ndarray, second: np.ndarray) -> float:
    """IoU of two masks bool (H, W); 1 where both are empty. Raises ValueError where their shapes differ."""
    if not (first.any() or second.any()):
        return 1.0
    return float(frame_iou(count(first[None], second[None]))[0]) if second.any() else 0.0
