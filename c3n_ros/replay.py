"""What a live node published, read back from a recording and scored. Needs no ROS."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from c3n_model.metrics import count, frame_iou
from c3n_model.sources.bag import messages, topic_types
from c3n_model.sources.messages import mask_from_image, nanoseconds, stamp_of
from c3n_model.types import NANOSECONDS_PER_SECOND, Presence, Segmentation, SoundingObject, UnifiedLabel

MASK_TOPIC = "/sounding_object/mask"
OBJECTS_TOPIC = "/sounding_object/objects"


@dataclass(frozen=True)
class Truth:
    """What is right for one window: `mask` bool (H, W) of what sounds in view, `labels` of it, `silent` if nothing at
    all sounds (a sound out of view is not silence)."""

    mask: np.ndarray
    labels: frozenset[str]
    silent: bool


@dataclass(frozen=True)
class LiveWindow:
    """One window as the node published it; `latency_s` from the arrival of its last sound to the arrival of its mask."""

    segmentation: Segmentation
    latency_s: float
    dropped_windows: int


def read_recording(path: Path, audio_topic: str) -> list[LiveWindow]:
    """The windows in a recording of `MASK_TOPIC`, `OBJECTS_TOPIC` and the microphone, in the order of their stamps.

    Raises:
        ValueError: the recording lacks a topic, or no window is in it.
    """
    missing = {MASK_TOPIC, OBJECTS_TOPIC, audio_topic} - topic_types(path).keys()
    if missing:
        raise ValueError(f"{path} lacks {', '.join(sorted(missing))}: record these topics beside the node")
    heard: list[tuple[int, int]] = []  # (stamp of a chunk's first sample, arrival)
    masks: dict[int, tuple[np.ndarray, int]] = {}  # stamp -> mask, arrival
    objects: dict[int, Any] = {}
    for topic, arrival_ns, message in messages(path, [MASK_TOPIC, OBJECTS_TOPIC, audio_topic]):
        stamp_ns = stamp_of(message.header)
        if topic == MASK_TOPIC:
            masks[stamp_ns] = (mask_from_image(message) > 0, arrival_ns)
        elif topic == OBJECTS_TOPIC:
            objects[stamp_ns] = message
        else:
            heard.append((stamp_ns, arrival_ns))
    both = sorted(masks.keys() & objects.keys())
    if not both:
        raise ValueError(f"{path} holds no window: the node published nothing while it was recorded")
    return [_live_window(masks[stamp], objects[stamp], heard) for stamp in both]


def _live_window(mask: tuple[np.ndarray, int], objects: Any, heard: list[tuple[int, int]]) -> LiveWindow:
    segmentation = segmentation_from_messages(mask[0], objects)
    end_ns = segmentation.window_start_ns + NANOSECONDS_PER_SECOND
    last_sound_ns = max((arrival for stamp, arrival in heard if stamp < end_ns), default=mask[1])
    return LiveWindow(segmentation, (mask[1] - last_sound_ns) / NANOSECONDS_PER_SECOND, objects.dropped_windows)


def segmentation_from_messages(mask: np.ndarray, objects: Any) -> Segmentation:
    """The way back from `conversions`: `mask` bool (H, W) and a SoundingObjects-like message. Confidence, which is not
    published, is 255 inside the mask."""
    label = UnifiedLabel(
        objects.audio_label, objects.visual_label, objects.audio_score, objects.visual_score, objects.similarity,
        objects.consensus,
    )  # fmt: skip
    return Segmentation(
        window_start_ns=nanoseconds(objects.window_start),
        stamp_ns=stamp_of(objects.header),
        frame_id=objects.header.frame_id,
        mask=mask,
        confidence=mask.astype(np.uint8) * 255,
        label=label,
        presence=Presence(objects.audible, objects.presence_score, objects.loudness_dbfs),
        objects=tuple(_region(found) for found in objects.objects),
        heard=objects.heard,
    )


def _region(found: Any) -> SoundingObject:
    position = (found.position.x, found.position.y, found.position.z)
    return SoundingObject(
        label=found.label,
        score=found.score,
        box=(found.x, found.y, found.width, found.height),
        centroid=(found.centroid_x, found.centroid_y),
        area=found.area,
        bearing=_known(found.bearing),
        elevation=_known(found.elevation),
        half_width=_known(found.half_width),
        position=None if math.isnan(found.position.z) else position,
        position_covariance=None if math.isnan(found.position.z) else tuple(map(float, found.position_covariance)),
    )


def _known(angle: float) -> float | None:
    return None if math.isnan(angle) else angle


def score(
    live: list[LiveWindow], offline: list[Segmentation], truths: list[Truth]
) -> tuple[dict[str, Any], list[float]]:
    """The report of a replay, and the IoU of every live window against its truth.

    `mask_iou` and `label_accuracy` are means over windows in which something in view sounds; a silent window with any
    mask pixel is a false positive; `live_offline_iou` is the mean IoU of the windows that both saw.
    """
    ious = [mask_iou(window.segmentation.mask, right.mask) for window, right in zip(live, truths, strict=True)]
    sounding = [index for index, right in enumerate(truths) if right.mask.any()]
    silent = [index for index, right in enumerate(truths) if right.silent]
    named = [live[index].segmentation.label.visual in truths[index].labels for index in sounding]
    offline_masks = {segmentation.stamp_ns: segmentation.mask for segmentation in offline}
    shared = [window.segmentation for window in live if window.segmentation.stamp_ns in offline_masks]
    latency_ms = 1000 * np.array([window.latency_s for window in live])
    report = {
        "windows": len(live),
        "dropped_windows": max(window.dropped_windows for window in live),
        "sounding_windows": len(sounding),
        "mask_iou": float(np.mean([ious[index] for index in sounding])) if sounding else None,
        "label_accuracy": float(np.mean(named)) if sounding else None,
        "silent_windows": len(silent),
        "silent_false_positives": sum(bool(live[index].segmentation.mask.any()) for index in silent),
        "latency_ms": {"p50": float(np.percentile(latency_ms, 50)), "p95": float(np.percentile(latency_ms, 95))},
        "offline_windows": len(offline),
        "live_offline_windows": len(shared),
        "live_offline_iou": float(np.mean([mask_iou(seen.mask, offline_masks[seen.stamp_ns]) for seen in shared]))
        if shared
        else None,
    }
    return report, ious


def mask_iou(first: np.ndarray, second: np.ndarray) -> float:
    """IoU of two masks bool (H, W); 1 where both are empty."""
    if not (first.any() or second.any()):
        return 1.0
    return float(frame_iou(count(first[None], second[None]))[0]) if second.any() else 0.0
