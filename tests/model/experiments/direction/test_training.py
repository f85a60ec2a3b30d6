"""Training on few rooms: examples follow from their seed, the loss falls, and NumPy applies what torch has trained."""

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from c3n_model.cli import main
from c3n_model.direction import direct_sound
from c3n_model.experiments.direction.bench import RATE
from c3n_model.experiments.direction.training import OTHERS_DEG, draw_example, train
from c3n_model.experiments.direction.varied_sounds import varied_sound


@pytest.fixture(scope="module")
def examples():
    return [draw_example(0, number) for number in range(6)]


def test_an_example_follows_from_seed_and_number(examples):
    again, other = draw_example(0, 1), draw_example(1, 1)
    assert np.array_equal(examples[1].features, again.features) and not np.array_equal(other.features, again.features)
    assert examples[1].responses.shape == (*examples[1].features.shape[1:], 1 + len(OTHERS_DEG))
    assert all(example.responses.min() >= 0 and example.responses.max() <= 1.001 for example in examples)


def test_the_loss_falls_and_numpy_applies_what_torch_has_trained(examples, monkeypatch):
    losses = []
    tensors = train(examples, 12, 0, losses.append)
    assert len(losses) == 12 and losses[-1] < 0.8 * losses[0]
    hidden = torch.from_numpy(examples[0].features).float()[None]
    for name in ("first", "second"):
        weight = torch.from_numpy(tensors[f"{name}.weight"]).permute(3, 2, 0, 1)
        hidden = torch.conv2d(hidden, weight, torch.from_numpy(tensors[f"{name}.bias"]), padding=1).relu()
    expected = (
        torch.einsum("c,nchw->nhw", torch.from_numpy(tensors["last.weight"]), hidden)[0] + tensors["last.bias"][0]
    ).exp()
    monkeypatch.setattr(direct_sound, "_layers", lambda: tensors)
    weights = direct_sound.direct_sound(examples[0].features.astype(np.float32))
    np.testing.assert_allclose(weights, expected.numpy(), rtol=1e-3)


def test_varied_sounds_sound():
    rng = np.random.default_rng(0)
    for samples in (RATE, 2 * RATE):
        sounds = np.array([varied_sound(rng, samples) for _ in range(20)])
        assert sounds.shape == (20, samples) and np.isfinite(sounds).all() and (sounds.std(axis=1) > 0.9).all()


def test_the_command_writes_weights_like_those_in_use(tmp_path, capsys):
    main(["train-direct-sound", str(tmp_path / "new.safetensors"), "--scenes", "2", "--epochs", "1"])
    assert "epoch 1: loss" in capsys.readouterr().out
    shapes, in_use = (
        {name: tensor.shape for name, tensor in load_file(path).items()}
        for path in (tmp_path / "new.safetensors", direct_sound.WEIGHTS)
    )
    assert shapes == in_use


def test_the_command_refuses_no_rooms(tmp_path):
    with pytest.raises(SystemExit, match="at least 1"):
        main(["train-direct-sound", str(tmp_path / "new.safetensors"), "--scenes", "0"])
