"""Read the windows that a live node published from a bag. Does not need ROS."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from c3n_model.messages.images import mask_from_image
from c3n_model.messages.object_fields import read_fields
from c3n_model.messages.stamps import nanoseconds, stamp_of
from c3n_model.sources.bag import messages, topic_types
from c3n_model.sources.bag_types import AUDIO_TYPE, MGONZS13_AUDIO_TYPE
from c3n_model.types import NANOSECONDS_PER_SECOND, Presence, Segmentation, SoundBearing, SoundingObject, UnifiedLabel

MASK_TOPIC = "/sounding_object/mask"
OBJECTS_TOPIC = "/sounding_object/objects"


@dataclass(frozen=True)
class LiveWindow:
    """A window as the node published it.

    `latency_s` is the time from the arrival of its last audio to the arrival of its mask [s], None if the microphone was not
    recorded; `dropped_windows` is the node's count so far.
    """

    segmentation: Segmentation
    latency_s: float | None
    dropped_windows: int


def read_recording(path: Path, audio_topic: str | None = None) -> list[LiveWindow]:
    """Read the windows from a recording of `MASK_TOPIC` and `OBJECTS_TOPIC`, sorted by stamp.

    Latencies are computed from `audio_topic`, by default the first recorded stamped audio topic.

    Raises:
        FileNotFoundError: no such recording.
        ValueError: a topic is missing, or there are no windows.
    """
    types = topic_types(path)
    missing = {MASK_TOPIC, OBJECTS_TOPIC, audio_topic} - types.keys() - {None}
    if missing:
        raise ValueError(f"{path} lacks the topics {', '.join(sorted(missing))}; record them while the node runs")
    microphones = [topic for topic, name in types.items() if name in (AUDIO_TYPE, MGONZS13_AUDIO_TYPE)]
    topics = [MASK_TOPIC, OBJECTS_TOPIC, *([audio_topic] if audio_topic else microphones[:1])]
    heard: list[tuple[int, int]] = []  # (stamp of a chunk's first sample, arrival)
    masks: dict[int, tuple[np.ndarray, int]] = {}  # stamp -> mask, arrival
    objects: dict[int, Any] = {}
    for topic, arrival_ns, message in messages(path, topics, own_definitions()):
        stamp_ns = stamp_of(message.header)
        if topic == MASK_TOPIC:
            masks[stamp_ns] = (mask_from_image(message) > 0, arrival_ns)
        elif topic == OBJECTS_TOPIC:
            objects[stamp_ns] = message
        else:
            heard.append((stamp_ns, arrival_ns))
    both = sorted(masks.keys() & objects.keys())
    if not both:
        raise ValueError(f"{path} contains 0 windows; record while the node publishes")
    return [_live_window(masks[stamp], objects[stamp], heard) for stamp in both]


def own_definitions() -> dict[str, str]:
    """Read the .msg files of c3n_ros from the source tree or a sourced workspace, if there are any.

    They are needed for recordings without message definitions: sqlite3 up to Humble.
    """
    prefixes = (Path(prefix, "share/c3n_ros") for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep))
    folders = (folder / "msg" for folder in (Path(__file__).parents[2], *prefixes))
    files = next((found for folder in folders if (found := sorted(folder.glob("*.msg")))), [])
    return {f"c3n_ros/msg/{file.stem}": file.read_text(encoding="utf-8") for file in files}


def _live_window(mask: tuple[np.ndarray, int], objects: Any, heard: list[tuple[int, int]]) -> LiveWindow:
    segmentation = segmentation_from_messages(mask[0], objects)
    end_ns = segmentation.window_start_ns + NANOSECONDS_PER_SECOND
    last_sound_ns = max((arrival for stamp, arrival in heard if stamp < end_ns), default=None)
    latency_s = None if last_sound_ns is None else (mask[1] - last_sound_ns) / NANOSECONDS_PER_SECOND
    return LiveWindow(segmentation, latency_s, objects.dropped_windows)


def segmentation_from_messages(mask: np.ndarray, objects: Any) -> Segmentation:
    """Convert a mask bool (H, W) and a SoundingObjects message back to a Segmentation.

    The inverse of `c3n_ros.messages.conversions`. Neither contains the confidence, so it is set to 255 inside the mask.
    """
    return Segmentation(
        window_start_ns=nanoseconds(objects.window_start),
        stamp_ns=stamp_of(objects.header),
        frame_id=objects.header.frame_id,
        mask=mask,
        confidence=mask.astype(np.uint8) * 255,
        label=read_fields(UnifiedLabel, objects),
        presence=read_fields(Presence, objects),
        objects=tuple(read_fields(SoundingObject, region) for region in objects.objects),
        heard=objects.heard,
        sound=read_fields(SoundBearing, objects),
        motion_decision=getattr(objects, "motion_decision", ""),  # older recordings do not have it
    )
