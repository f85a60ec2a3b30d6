"""Training: what moves, what stays, and which epoch is kept."""

import copy

import numpy as np
import pytest
import torch
from tiny import make_tiny_model

from c3n_model.config import TrainConfig
from c3n_model.data.avsbench import AVSBench
from c3n_model.data.synthesize import synthesize
from c3n_model.progress import silent
from c3n_model.train import TrainingClips, make_optimiser, make_schedule, train

CPU = torch.device("cpu")
QUICK = TrainConfig(epochs=3, batch_size=2, learning_rate=1e-3, backbone_learning_rate=1e-3, color_jitter=False)


def make_clips(tmp_path, setting: str) -> AVSBench:
    synthesize(tmp_path, setting, {"train": 2}, seed=0, progress=silent)
    return AVSBench(tmp_path, setting, "train", 32000)


def test_heads_audio_and_batch_statistics_stay(tmp_path):
    model = make_tiny_model()
    before = copy.deepcopy(model.network.state_dict())
    train(
        model, [make_clips(tmp_path, "s4")], QUICK, CPU,
        validate=lambda: 0.0, keep=lambda history: None, progress=silent, workers=0,
    )  # fmt: skip
    changed = {name for name, value in model.network.state_dict().items() if not torch.equal(value, before[name])}
    assert any(name.startswith("decoder") for name in changed)
    assert any(name.startswith("visual_encoder") for name in changed)
    assert not any(name.startswith(("audio_encoder", "visual_encoder.backbone.fc")) for name in changed)
    assert not any("running_mean" in name for name in changed)


def test_loss_falls_on_clips_learned_by_heart(tmp_path):
    kept: list[dict] = []
    config = TrainConfig(**{**QUICK.__dict__, "epochs": 25, "flip": False})
    train(
        make_tiny_model(gate="standard"), [make_clips(tmp_path, "ms3")], config, CPU,
        validate=iter(range(25)).__next__, keep=lambda history: kept.append(history[-1]), progress=silent, workers=0,
    )  # fmt: skip
    assert [row["epoch"] for row in kept] == list(range(1, 26))
    assert kept[-1]["loss"] < 0.9 * kept[0]["loss"]


def test_only_epochs_that_are_the_best_so_far_are_kept(tmp_path):
    scores, kept = iter([0.5, 0.4, 0.6]), []
    train(
        make_tiny_model(), [make_clips(tmp_path, "s4")], QUICK, CPU,
        validate=scores.__next__, keep=lambda history: kept.append(len(history)), progress=silent, workers=0,
    )  # fmt: skip
    assert kept == [1, 3]


@pytest.mark.parametrize(
    ("settings", "score", "message"),
    [
        ({"epochs": 0}, 0.5, "train.epochs is 0; expected at least 1"),
        ({}, float("nan"), "the validation score of epoch 1 is nan"),
        ({"learning_rate": float("inf")}, 0.5, "the loss is nan after 1 steps, at the learning rates 0.001 and inf"),
    ],
)
def test_nothing_is_kept_of_a_training_that_failed(tmp_path, settings, score, message):
    kept: list = []
    with pytest.raises(ValueError, match=message):
        train(
            make_tiny_model(), [make_clips(tmp_path, "ms3")], TrainConfig(**{**QUICK.__dict__, "batch_size": 1, **settings}),
            CPU, validate=lambda: score, keep=kept.append, progress=silent, workers=0,
        )  # fmt: skip
    assert not kept


def test_flip_turns_the_whole_clip(tmp_path):
    clips = make_clips(tmp_path, "ms3")
    plain = TrainingClips(clips, 64, TrainConfig(flip=False, color_jitter=False))[0]
    flipping = TrainingClips(clips, 64, TrainConfig(flip=True, color_jitter=False))
    torch.manual_seed(0)
    seen = [flipping[0] for _ in range(12)]
    turned = [not torch.equal(frames, plain[0]) for frames, *_ in seen]
    assert any(turned)
    assert not all(turned)
    for (frames, _, masks, _), was_turned in zip(seen, turned, strict=True):
        assert torch.equal(frames, plain[0].flip(-1) if was_turned else plain[0])
        assert torch.equal(masks, plain[2].flip(-1) if was_turned else plain[2])


def test_schedule_and_learning_rates():
    optimiser = make_optimiser(make_tiny_model().network, TrainConfig(learning_rate=1.0, backbone_learning_rate=0.1))
    assert [group["lr"] for group in optimiser.param_groups] == [0.1, 1.0]
    schedule = make_schedule(optimiser, TrainConfig(schedule="cosine"), steps=10)
    for _ in range(10):
        optimiser.step()
        schedule.step()
    assert np.allclose([group["lr"] for group in optimiser.param_groups], [0.001, 0.01])


def test_too_few_clips_for_a_batch_are_refused(tmp_path):
    config = TrainConfig(batch_size=8)
    with pytest.raises(ValueError, match="2 training clips do not fill one batch of 8"):
        train(
            make_tiny_model(), [make_clips(tmp_path, "s4")], config, CPU,
            validate=lambda: 0.0, keep=lambda history: None, progress=silent, workers=0,
        )  # fmt: skip
