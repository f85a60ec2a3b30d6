"""AudioSet's released embeddings: complete and damaged files, written by another library."""

import numpy as np
import pytest
from released_embeddings import write_records

from c3n_model.progress import silent
from c3n_model.training.audioset_embeddings import DamagedRecord, read_bags, read_records


def clip(seconds: int, first_level: int = 0) -> np.ndarray:
    """Return levels (seconds, 128) with a different value for each second."""
    return np.repeat(np.arange(first_level, first_level + seconds, dtype=np.uint8)[:, None], 128, axis=1)


def test_bags_and_labels(tmp_path):
    write_records(tmp_path / "bal_train/00.tfrecord", [(clip(10), [0, 526]), (clip(4, 100), [7])])
    write_records(tmp_path / "unbal_train/zz.tfrecord", [(clip(12), [1, 1]), (clip(0), [3]), (clip(10), [])])
    bags = read_bags(tmp_path, ["bal_train", "unbal_train"], silent)
    assert bags.levels.shape == (3, 10, 128)
    assert bags.levels.dtype == np.uint8
    assert bags.levels[:, :, 127].tolist() == [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [100, 101, 102, 103, 100, 101, 102, 103, 100, 101],
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    ]
    assert [np.flatnonzero(row).tolist() for row in bags.labels] == [[0, 526], [7], [1]]
    assert bags.labels.shape == (3, 527)
    assert bags.left_out == 2


def test_the_folder_above_will_do(tmp_path):
    write_records(tmp_path / "audioset_v1_embeddings/eval/00.tfrecord", [(clip(10), [5])])
    assert len(read_bags(tmp_path, ["eval"], silent).levels) == 1


def test_no_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"eval.*audioset_v1_embeddings"):
        read_bags(tmp_path, ["eval"], silent)


def test_only_silence_is_refused(tmp_path):
    write_records(tmp_path / "eval/00.tfrecord", [(clip(0), [3])])
    with pytest.raises(ValueError, match=r"\b1 clips .*sound.*labels"):
        read_bags(tmp_path, ["eval"], silent)


def test_every_damaged_byte_is_detected(tmp_path):
    path = write_records(tmp_path / "eval/00.tfrecord", [(clip(1), [2]), (clip(1), [3])])
    whole = path.read_bytes()
    assert len(list(read_records(path))) == 2
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
        with pytest.raises(DamagedRecord, match=f"record {1 + 2 * position // len(whole)} of .*00.tfrecord"):
            list(read_records(path))


def test_every_truncation_is_detected(tmp_path):
    path = write_records(tmp_path / "eval/00.tfrecord", [(clip(1), [2]), (clip(1), [3])])
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        if length in (0, len(whole) // 2):  # between records
            assert len(list(read_records(path))) == (1 if length else 0)
        else:
            with pytest.raises(DamagedRecord):
                list(read_records(path))


def test_damaged_files_are_counted_and_the_first_is_named(tmp_path):
    for name in ("00", "01", "02"):
        path = write_records(tmp_path / f"eval/{name}.tfrecord", [(clip(10), [5]), (clip(10), [6])])
        if name != "00":
            path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match=r"2 of 3 files .* damaged.*record 2 of .*01\.tfrecord; .*features\.tar\.gz"):
        read_bags(tmp_path, ["eval"], silent)


@pytest.mark.parametrize(
    ("levels", "labels", "name", "message"),
    [
        (clip(2)[:, :64], [0], "audio_embedding", r"00\.tfrecord.*\[64\] bytes.*128"),
        (clip(2), [527], "audio_embedding", r"00\.tfrecord.*\[527\].*0 to 526"),
        (clip(2), [-1], "audio_embedding", r"00\.tfrecord.*\[-1\].*0 to 526"),
        (clip(2), [0], "rgb", r"00\.tfrecord.*audio_embedding.*labels, rgb, start_time_seconds, video_id"),
    ],
)
def test_records_of_another_kind(tmp_path, levels, labels, name, message):
    write_records(tmp_path / "eval/00.tfrecord", [(levels, labels)], name)
    with pytest.raises(ValueError, match=message):
        read_bags(tmp_path, ["eval"], silent)
