"""Training the head, from embedding files to a classifier in the encoder."""

import numpy as np
import pytest
import torch
from released_embeddings import write_records

from c3n_model.cli import main
from c3n_model.network.audio import build_audio_encoder
from c3n_model.network.audio.vggish import rescale_levels
from c3n_model.training.vggish_head import balanced_batches, mean_scores
from c3n_model.weights.vggish import load_head

CLASSES = [3, 40, 120, 526]


def test_every_class_is_equally_frequent():
    labels = np.zeros((1002, 3), bool)
    labels[:1000, 0] = True
    labels[1000:, 1] = True  # two clips; the third class has none
    batches = balanced_batches(labels, 50, np.random.default_rng(0))
    drawn = np.concatenate([next(batches) for _ in range(40)])
    assert (drawn < 1000).sum() == 1000
    assert len(set(drawn[drawn < 1000])) == 1000  # each once before any again
    assert np.bincount(drawn)[1000:].tolist() == [500, 500]


def test_nothing_to_balance():
    with pytest.raises(ValueError, match="no clip has a label"):
        next(balanced_batches(np.zeros((4, 3), bool), 2, np.random.default_rng(0)))


def test_scores_by_hand():
    labels = np.array([[1, 1, 0, 1], [0, 1, 0, 1], [1, 0, 0, 1]], bool)
    logits = np.array([[0.9, 5.0, 0.0, 0.0], [0.5, 4.0, 0.0, 0.0], [0.1, -3.0, 0.0, 0.0]])
    # class 0: hit, miss, hit: precision 1 and 2/3, AUC 1/2; class 1: perfect; classes 2 and 3 tell nothing apart
    assert mean_scores(logits, labels) == pytest.approx({"map": (5 / 6 + 1) / 2, "auc": 0.75, "classes": 2, "clips": 3})
    with pytest.raises(ValueError, match="positive and negative"):
        mean_scores(logits[:, 2:], labels[:, 2:])


def write_release(root, random) -> np.ndarray:
    """Write clips of four classes, and return the mean levels (4, 128) of the classes.

    The most frequent class has nine times as many clips as the rarest.
    """
    centres = random.integers(60, 196, (len(CLASSES), 128))
    counts = {"bal_train": [4, 4, 4, 4], "unbal_train": [32, 12, 4, 0], "eval": [10, 10, 10, 10]}
    for split, numbers in counts.items():
        kinds = np.repeat(np.arange(len(CLASSES)), numbers)
        levels = np.clip(random.normal(centres[kinds][:, None], 50, (len(kinds), 10, 128)), 0, 255).astype(np.uint8)
        clips = [(clip, [CLASSES[kind]]) for clip, kind in zip(levels, kinds, strict=True)]
        write_records(root / split / "00.tfrecord", clips[::2])
        write_records(root / split / "01.tfrecord", clips[1::2])
    return centres


def test_from_embeddings_to_classes_in_an_encoder(tmp_path, capsys):
    centres = write_release(tmp_path / "features", np.random.default_rng(5))
    out = tmp_path / "head.safetensors"
    command = f"train-vggish-head {tmp_path / 'features'} -o {out} --steps 15 --batch-size 16 --device cpu"
    main(command.split())
    encoder = build_audio_encoder("vggish", 527).eval()
    card = load_head(out, encoder)
    assert card["command"] == "c3n " + command
    assert card["train"]["clips"] == 64
    assert card["train"]["steps"] == 15
    assert card["scores"]["classes"] == 4
    assert card["scores"]["map"] > 0.95  # an untrained head reaches 0.2 to 0.5
    assert card["scores"]["auc"] > 0.9
    assert f"mAP {card['scores']['map']:.3f}" in capsys.readouterr().out
    seconds = rescale_levels(torch.from_numpy(centres))[:, None]  # single seconds, as the encoder gives its head
    assert encoder.head()(seconds).argmax(dim=1).tolist() == CLASSES


def test_bad_settings_are_one_line(tmp_path):
    with pytest.raises(SystemExit, match="c3n: .*tfrecord.*eval.*audioset_v1_embeddings"):
        main(["train-vggish-head", str(tmp_path), "-o", str(tmp_path / "x")])
    write_release(tmp_path, np.random.default_rng(0))
    with pytest.raises(SystemExit, match="c3n: .*1 step of 2 clips, got 1 steps of 1"):
        main(["train-vggish-head", str(tmp_path), "-o", str(tmp_path / "x"), "--steps", "1", "--batch-size", "1"])
