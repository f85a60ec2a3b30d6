"""The mapping between data types and the fields of msg/SoundingObject.msg and msg/SoundingObjects.msg, used by the node to write
messages and to read its recordings. Works without ROS: messages are read and written by attribute."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any, TypeVar

from c3n_model.types import Presence, SoundBearing, SoundingObject, UnifiedLabel

# Attribute of the data type -> fields of the message, one per element of a tuple. None of an optional attribute is NaN in the
# message.
FIELDS: dict[type, dict[str, tuple[str, ...]]] = {
    SoundingObject: {
        "label": ("label",),
        "score": ("score",),
        "box": ("x", "y", "width", "height"),
        "centroid": ("centroid_x", "centroid_y"),
        "area": ("area",),
        "bearing": ("bearing",),
        "elevation": ("elevation",),
        "half_width": ("half_width",),
        "position": ("position.x", "position.y", "position.z"),
        "position_covariance": ("position_covariance",),  # an array
        "id": ("id",),  # older recordings do not have it
        "audio_label": ("audio_label",),  # nor this and the following
        "audio_score": ("audio_score",),
        "visual_score": ("visual_score",),
        "similarity": ("similarity",),
        "consensus": ("consensus",),
        "motion": ("motion",),
    },
    UnifiedLabel: {
        "audio": ("audio_label",),
        "visual": ("visual_label",),
        "audio_score": ("audio_score",),
        "visual_score": ("visual_score",),
        "similarity": ("similarity",),
        "consensus": ("consensus",),
    },
    Presence: {
        "audible": ("audible",),
        "score": ("presence_score",),
        "loudness_dbfs": ("loudness_dbfs",),
        "visible": ("visible",),  # older recordings do not have it
        "filtered": ("filtered",),  # older recordings do not have it
    },
    SoundBearing: {  # older recordings do not have it
        "bearing": ("sound_bearing",),
        "mirrored": ("sound_bearing_mirrored",),
        "confidence": ("sound_bearing_confidence",),
        "spread": ("sound_bearing_spread",),
        "decision": ("sound_bearing_decision",),
    },
}
Data = TypeVar("Data", SoundingObject, UnifiedLabel, Presence, SoundBearing)


def write_fields(data: SoundingObject | UnifiedLabel | Presence | SoundBearing, message: Any) -> None:
    """Set the fields of `message` that belong to `data`, converted to the types of the message."""
    for attribute, fields in FIELDS[type(data)].items():
        value = getattr(data, attribute)
        values = value if len(fields) > 1 and value is not None else [value] * len(fields)
        for field, element in zip(fields, values, strict=True):
            *parents, name = field.split(".")
            target = reduce(getattr, parents, message)
            setattr(target, name, _like(getattr(target, name), element))


def read_fields(data_type: type[Data], message: Any) -> Data:
    """Return the `data_type` with the values of `message`; a field that the message lacks has its default value, if any."""
    values: dict[str, Any] = {}
    for attribute, fields in FIELDS[data_type].items():
        try:
            elements = [reduce(getattr, field.split("."), message) for field in fields]
        except AttributeError:
            continue
        if hasattr(elements[0], "__len__") and not isinstance(elements[0], str):
            elements = list(map(float, elements[0]))
        is_optional = data_type.__dataclass_fields__[attribute].default is None
        is_unknown = is_optional and any(map(math.isnan, elements))
        values[attribute] = None if is_unknown else tuple(elements) if len(elements) > 1 else elements[0]
    return data_type(**values)


def _like(current: Any, value: Any) -> Any:
    """Convert `value` to the type of a message's current value; None becomes NaN."""
    if isinstance(current, (str, bool, int, float)):
        return type(current)(math.nan if value is None else value)
    return [math.nan] * len(current) if value is None else list(map(float, value))
