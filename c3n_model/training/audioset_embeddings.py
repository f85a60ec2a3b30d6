"""AudioSet's released VGGish embeddings (features.tar.gz): one 128-byte vector per second, whitened, 8 bits per value.

    audioset_v1_embeddings/{bal_train,unbal_train,eval}/*.tfrecord

Each record is a tf.SequenceExample. TensorFlow is not needed: the package `tfrecord` provides the message types. The framing
(length, checksum, payload, checksum) is read here, because that package does not verify checksums.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import crc32c
import numpy as np
from google.protobuf.message import DecodeError
from tfrecord.example_pb2 import SequenceExample

from c3n_model.labels.names import AUDIOSET_CLASSES
from c3n_model.progress import Progress

SECONDS = 10  # length of an AudioSet clip
CHANNELS = 128
TRAINING_SPLITS = ("bal_train", "unbal_train")
EVALUATION_SPLIT = "eval"
RELEASE_FOLDER = "audioset_v1_embeddings"

_HEADER = struct.Struct("<QI")  # length of the payload, checksum of the length's 8 bytes
_CHECKSUM = struct.Struct("<I")


@dataclass(frozen=True)
class LabelledBags:
    """Embeddings of N clips: `levels` uint8 (N, 10, 128) per second, and `labels` bool (N, 527).

    Labels are in the order of AudioSet's class_labels_indices.csv. `left_out` counts the clips without sound or labels. The
    whole release takes 3.7 GB: 2.1 million clips of 1280 and 527 bytes.
    """

    levels: np.ndarray
    labels: np.ndarray
    left_out: int


class DamagedRecord(ValueError):
    """A record is truncated or has a wrong checksum."""


def read_bags(release: Path, splits: Iterable[str], progress: Progress) -> LabelledBags:
    """Read the clips of some splits from `release`, the unpacked features.tar.gz.

    Clips of fewer than ten seconds are repeated, which hardly affects an attention-weighted mean; longer ones are truncated.

    Raises:
        FileNotFoundError: no tfrecord files.
        ValueError: damaged files (with their number and the first damaged record), records of another format, or no clip
        with both sound and labels.
    """
    files = tfrecord_files(release, splits)
    levels, labels, left_out, damage = bytearray(), bytearray(), 0, []
    for path in progress(files, "reading " + " ".join(splits)):
        try:
            for seconds, classes in map(parse_clip, read_records(path)):
                if len(seconds) == 0 or len(classes) == 0:
                    left_out += 1
                    continue
                levels += np.resize(seconds, (SECONDS, CHANNELS)).tobytes()
                labels += np.bincount(classes, minlength=AUDIOSET_CLASSES).astype(bool).tobytes()
        except DamagedRecord as error:
            damage.append(str(error))
        except ValueError as error:
            raise ValueError(f"{path} does not contain AudioSet's embeddings: {error}") from error
    if damage:
        raise ValueError(
            f"{len(damage)} of {len(files)} files in {release} are damaged, first: {damage[0]}; "
            "unpack features.tar.gz again, or download it again"
        )
    if not levels:
        raise ValueError(f"none of the {left_out} clips in {release} has both sound and labels; download them again")
    return LabelledBags(
        np.frombuffer(levels, np.uint8).reshape(-1, SECONDS, CHANNELS),
        np.frombuffer(labels, bool).reshape(-1, AUDIOSET_CLASSES),
        left_out,
    )


def tfrecord_files(release: Path, splits: Iterable[str]) -> list[Path]:
    """List the files of the splits, sorted. Raises FileNotFoundError if there are none."""
    root = release / RELEASE_FOLDER if (release / RELEASE_FOLDER).is_dir() else release
    files = [path for split in splits for path in sorted((root / split).glob("*.tfrecord"))]
    if not files:
        raise FileNotFoundError(
            f"no tfrecord files in {' or '.join(str(root / split) for split in splits)}; "
            f"pass the folder {RELEASE_FOLDER} of AudioSet's unpacked features.tar.gz"
        )
    return files


def parse_clip(record: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Parse a serialised tf.SequenceExample: embeddings uint8 (T, 128), class indices int64 (k,). Raises ValueError."""
    try:
        example = SequenceExample.FromString(record)
    except DecodeError as error:
        raise ValueError(f"a record is not a tf.SequenceExample ({error})") from error
    context, lists = example.context.feature, example.feature_lists.feature_list
    if "labels" not in context or "audio_embedding" not in lists:
        raise ValueError(
            "a record lacks labels or audio_embedding; it has "
            + (", ".join(sorted([*context.keys(), *lists.keys()])) or "nothing")
        )
    vectors = [value for feature in lists["audio_embedding"].feature for value in feature.bytes_list.value]
    classes = np.array(context["labels"].int64_list.value, np.int64)
    if any(len(vector) != CHANNELS for vector in vectors):
        raise ValueError(f"an embedding has {sorted(set(map(len, vectors)))} bytes; expected {CHANNELS}")
    if ((classes < 0) | (classes >= AUDIOSET_CLASSES)).any():
        raise ValueError(f"a clip has the labels {classes.tolist()}; expected 0 to {AUDIOSET_CLASSES - 1}")
    return np.frombuffer(b"".join(vectors), np.uint8).reshape(-1, CHANNELS), classes


def read_records(path: Path) -> Iterator[bytes]:
    """Yield the payloads of a TFRecord file. Raises DamagedRecord, naming file and record, at the first damage."""
    with path.open("rb") as file:
        number = 0
        while header := file.read(_HEADER.size):
            number += 1
            payload = _read_payload(header, file)
            if payload is None:
                raise DamagedRecord(f"record {number} of {path}")
            yield payload


def _read_payload(header: bytes, file) -> bytes | None:
    """Read the payload after its header; None if anything is truncated or does not match its checksum."""
    if len(header) < _HEADER.size:
        return None
    length, length_checksum = _HEADER.unpack(header)
    if masked_checksum(header[:8]) != length_checksum:  # check before reading `length` bytes
        return None
    payload, checksum = file.read(length), file.read(_CHECKSUM.size)
    if len(checksum) < _CHECKSUM.size or masked_checksum(payload) != _CHECKSUM.unpack(checksum)[0]:
        return None
    return payload


def masked_checksum(data: bytes) -> int:
    """Compute TFRecord's masked CRC-32C: rotated by 15 bits plus a constant, so that CRCs of CRCs do not degenerate."""
    checksum = crc32c.crc32c(data)
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF
