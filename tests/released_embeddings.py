"""Files like those of AudioSet's features.tar.gz, written by the package `tfrecord`, for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tfrecord import TFRecordWriter


def write_records(path: Path, clips: list[tuple[np.ndarray, list[int]]], name: str = "audio_embedding") -> Path:
    """Write (levels uint8 (T, 128), class indices) pairs as tf.SequenceExamples; `name` is that of the levels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = TFRecordWriter(str(path))
    for levels, labels in clips:
        context = {
            "video_id": (b"abcdefghijk", "byte"),
            "start_time_seconds": (30.0, "float"),
            "labels": (labels, "int"),
        }
        writer.write(context, {name: ([second.tobytes() for second in levels], "byte")})
    writer.close()
    return path
