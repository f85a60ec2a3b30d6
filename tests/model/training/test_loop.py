"""Training: trained and frozen parameters, the best epoch, and resuming after interruptions."""

import copy
import dataclasses

import pytest
import torch
from tiny import make_tiny_model

from c3n_model.config import TrainConfig
from c3n_model.data.avsbench import AVSBench
from c3n_model.progress import silent
from c3n_model.synthetic.synthesize import synthesize
from c3n_model.training.clips import TrainingClips
from c3n_model.training.loop import set_training_mode, train
from c3n_model.training.optimisation import Optimisation, make_optimiser, rate_factor
from c3n_model.training.state import TrainingState

CPU = torch.device("cpu")
QUICK = TrainConfig(epochs=3, batch_size=2, learning_rate=1e-3, backbone_learning_rate=1e-3, color_jitter=False)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Write four training scenes of each setting; return the datasets by setting."""
    folder, found = tmp_path_factory.mktemp("scenes"), {}
    for setting in ("s4", "ms3"):
        synthesize(folder, setting, {"train": 4}, seed=0, progress=silent)
        dataset = AVSBench(folder, setting, "train", 32000)
        found[setting] = [dataset[index] for index in range(4)]
    return found


def fit(model, scenes, config=QUICK, *, setting="ms3", validate=lambda: 0.0, keep=lambda history: None, **more):
    clips = TrainingClips(scenes[setting], model.config.image_size, config)
    return train(
        model.network, clips, config, CPU, validate=validate, keep=keep, progress=silent, workers=0, **more
    )  # fmt: skip


def differing(first, second) -> set[str]:
    other = second.state_dict()
    return {name for name, value in first.state_dict().items() if not torch.equal(value, other[name])}


def test_heads_audio_and_batch_statistics_stay(scenes):
    model = make_tiny_model()
    before = copy.deepcopy(model.network)
    fit(model, scenes, setting="s4")
    changed = differing(model.network, before)
    assert any(name.startswith("decoder") for name in changed)
    assert any(name.startswith("visual_encoder") for name in changed)
    assert not any(name.startswith(("audio_encoder", "visual_encoder.backbone.fc")) for name in changed)
    assert not any("running_mean" in name for name in changed)


def test_a_frozen_backbone_is_not_changed(scenes):
    model = make_tiny_model()
    before = copy.deepcopy(model.network)
    fit(model, scenes, dataclasses.replace(QUICK, freeze_backbone=True))
    changed = differing(model.network, before)
    assert any(name.startswith("pyramids") for name in changed)
    assert not any(name.startswith("visual_encoder") for name in changed)


def test_stochastic_depth_changes_the_training_and_is_repeatable(scenes):
    def trained(rate: float):
        model = make_tiny_model()
        for parameter in model.network.visual_encoder.parameters():  # timm starts residual branches at 0
            torch.nn.init.normal_(parameter, 1.0, 0.3) if parameter.ndim == 1 else None
        fit(model, scenes, dataclasses.replace(QUICK, epochs=1, stochastic_depth=rate))
        return model.network

    plain, first, second = (trained(rate) for rate in (0.0, 0.5, 0.5))
    assert not differing(first, second)
    assert any(name.startswith("visual_encoder") for name in differing(plain, first))


def test_a_frozen_backbone_is_in_eval_mode():
    network = make_tiny_model().network
    set_training_mode(network)
    assert network.visual_encoder.training and not network.audio_encoder.training
    make_optimiser(network, TrainConfig(freeze_backbone=True))
    set_training_mode(network)
    assert network.training and not network.visual_encoder.training


def test_loss_falls_on_clips_learned_by_heart(scenes):
    config = dataclasses.replace(QUICK, epochs=20, flip=False, learning_rate=3e-3)
    history = fit(make_tiny_model(gate="standard"), scenes, config)
    assert [row["epoch"] for row in history] == list(range(1, 21))
    assert history[-1]["loss"] < 0.9 * history[0]["loss"]


def test_only_epochs_that_are_the_best_so_far_are_kept(scenes):
    scores, kept = iter([0.5, 0.4, 0.6]), []
    fit(make_tiny_model(), scenes, validate=scores.__next__, keep=lambda history: kept.append(len(history)))
    assert kept == [1, 3]


@pytest.mark.parametrize(
    ("settings", "score", "message"),
    [
        ({}, float("nan"), "validation score of epoch 1 is nan.*val"),
        ({"learning_rate": float("inf")}, 0.5, r"loss is nan after 1 steps.*0\.001 and inf.*train\.learning_rate"),
        ({"learning_rate": float("inf"), "precision": "bfloat16"}, 0.5, r"train\.precision: float32"),
    ],
)
def test_nothing_is_kept_of_a_training_that_failed(scenes, settings, score, message):
    kept: list = []
    with pytest.raises(ValueError, match=message):
        fit(make_tiny_model(), scenes, dataclasses.replace(QUICK, **settings), validate=lambda: score, keep=kept.append)
    assert not kept


def test_micro_batches_equal_the_whole_batch(scenes):
    """With both settings mixed: clips with one and with five masks count by their frames."""
    trained = []
    for accumulate in (1, 2, 4):
        model = make_tiny_model()
        config = dataclasses.replace(QUICK, batch_size=4, accumulate=accumulate)
        set_training_mode(model.network)
        optimisation = Optimisation(model.network, config, CPU, steps=1)
        whole = [TrainingClips(scenes[setting], 64, config)[1, index] for setting in ("s4", "ms3") for index in (0, 1)]
        parts = [[torch.stack(column) for column in zip(*whole[part::accumulate], strict=True)] for part in range(accumulate)]  # fmt: skip
        losses = optimisation.update(parts)
        trained.append((losses, model.network.state_dict()))
    for losses, state in trained[1:]:
        assert losses == pytest.approx(trained[0][0], rel=1e-5)
        for name, value in state.items():
            torch.testing.assert_close(value, trained[0][1][name], rtol=1e-3, atol=1e-4)


def test_half_precision_trains_close_to_full(scenes):
    losses = {
        precision: fit(make_tiny_model(), scenes, dataclasses.replace(QUICK, precision=precision))[-1]["loss"]
        for precision in ("float32", "bfloat16")
    }
    assert losses["bfloat16"] != losses["float32"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)


class Killed(Exception):
    pass


@pytest.mark.parametrize("updates_before", [1, 2, 5])
def test_a_killed_training_resumes_to_the_same_weights(scenes, tmp_path, updates_before):
    """With two updates per epoch: stopped within an epoch, at its end, and twice in a row."""
    config = dataclasses.replace(QUICK, save_every=1)
    whole, scores = make_tiny_model(), []
    history = fit(whole, scenes, config, validate=lambda: scores.append(0) or len(scores))

    state = TrainingState(tmp_path / "state.safetensors", {"clips": 4})
    for limit in (updates_before, 1, 99):
        model, done = make_tiny_model(), []

        def count(name, value, updates, done=done, limit=limit):
            if name == "loss" and len(done) == limit:
                raise Killed
            done.append(name)

        try:
            resumed = fit(
                model, scenes, config, validate=lambda: state_epoch(state) + 1.0, state=state, record=count
            )  # fmt: skip
        except Killed:
            continue
    assert not differing(model.network, whole.network)
    assert [row["loss"] for row in resumed] == [row["loss"] for row in history]


def state_epoch(state) -> int:
    from c3n_model.weights.tensors import read_described

    return len(read_described(state.path, "c3n_training", "state")[0]["history"])


def test_a_state_of_another_training_is_refused(scenes, tmp_path):
    state = TrainingState(tmp_path / "state.safetensors", {"clips": 4})
    fit(make_tiny_model(), scenes, state=state)
    with pytest.raises(ValueError, match=r"learning_rate is 0\.001, expected 0\.01.*-o"):
        fit(make_tiny_model(), scenes, dataclasses.replace(QUICK, learning_rate=0.01), state=state)
    with pytest.raises(ValueError, match="clips is 4, expected 5"):
        fit(make_tiny_model(), scenes, state=TrainingState(state.path, {"clips": 5}))


def test_a_finished_training_does_not_continue(scenes, tmp_path):
    state, model = TrainingState(tmp_path / "state.safetensors", {}), make_tiny_model()
    history = fit(model, scenes, state=state)
    again = make_tiny_model()
    assert fit(again, scenes, state=state, validate=pytest.fail) == history
    assert not differing(again.network, model.network)


def test_learning_rates():
    optimiser = make_optimiser(make_tiny_model().network, TrainConfig(learning_rate=1.0, backbone_learning_rate=0.1))
    assert [group["lr"] for group in optimiser.param_groups] == [0.1, 1.0]


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        ("constant", [1, 1, 1, 1, 1]),
        ("cosine", [1, 0.855, 0.505, 0.155, 0.01]),  # 0.01 + 0.99 (1 + cos) / 2 at quarters
        # Of 20 epochs with 5 updates: 1 - 0.9 e / 15 in epoch e, which starts with 1 (9.4e-5 of 1e-4), flat from the 15th on
        ("authors", [0.94, 0.64, 0.34, 0.1, 0.1]),
    ],
)
def test_schedules(schedule, factors):
    config = TrainConfig(schedule=schedule, epochs=20)
    assert [rate_factor(config, step, 100) for step in (0, 25, 50, 75, 100)] == pytest.approx(factors, abs=1e-3)


def test_the_authors_schedule_is_a_staircase():
    config = TrainConfig(schedule="authors", epochs=20)
    by_epoch = [{round(rate_factor(config, 5 * epoch + step, 100), 6) for step in range(5)} for epoch in range(20)]
    assert by_epoch == [{round(1 - 0.9 * min(epoch + 1, 15) / 15, 6)} for epoch in range(20)]
