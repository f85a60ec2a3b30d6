"""Cached features equal computed ones."""

import dataclasses

import pytest
import torch
from tiny import make_tiny_model

from c3n_model.config import TrainConfig
from c3n_model.data.avsbench import AVSBench
from c3n_model.progress import silent
from c3n_model.synthetic.synthesize import synthesize
from c3n_model.training.clips import TrainingClips
from c3n_model.training.features import cache_features
from c3n_model.training.loop import train

CPU = torch.device("cpu")
CONFIG = TrainConfig(
    epochs=2, batch_size=2, learning_rate=1e-3, color_jitter=False, freeze_backbone=True, cache_features=True
)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    synthesize(folder, "ms3", {"train": 3}, seed=0, progress=silent)
    return AVSBench(folder, "ms3", "train", 32000)


def keep(model, clips, folder, **more):
    return cache_features(model, [clips], folder, CPU, silent, **{"flip": True, "seed": 0, **more})


def test_training_on_them_gives_the_same_network(clips, tmp_path):
    networks = []
    for cached in (False, True):
        model = make_tiny_model()
        own = keep(model, clips, tmp_path) if cached else TrainingClips(clips, 64, CONFIG)
        train(
            model.network, own, CONFIG, CPU, validate=lambda: 0.0, keep=lambda history: None, progress=silent, workers=0
        )  # fmt: skip
        networks.append(model.network.state_dict())
    for name, value in networks[0].items():
        torch.testing.assert_close(networks[1][name], value, rtol=1e-3, atol=1e-5)


def test_existing_features_are_not_computed_again(clips, tmp_path, monkeypatch):
    model = make_tiny_model()
    keep(model, clips, tmp_path)
    monkeypatch.setattr(model.network, "encode", pytest.fail)
    assert len(keep(model, clips, tmp_path)) == 3
    keep(make_tiny_model(), clips, tmp_path, flip=False)


@pytest.mark.parametrize("setting", [{"consensus": "visual"}, {"alpha": 0.5}, {"gate": "unit"}, {"gate_strength": 0.5}])
def test_settings_that_act_before_aspp_have_files_of_their_own(clips, tmp_path, setting):
    keep(make_tiny_model(), clips, tmp_path)
    keep(make_tiny_model(audio_features=False), clips, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    keep(make_tiny_model(**setting), clips, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_broken_file_is_named(clips, tmp_path):
    kept = keep(make_tiny_model(), clips, tmp_path)
    for path in tmp_path.glob("*/000001*.safetensors"):
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="000001.*remove its folder"):
        kept[1, 1]


def test_only_constant_features_can_be_cached():
    for change in ({"color_jitter": True}, {"freeze_backbone": False}):
        with pytest.raises(ValueError, match="cache_features.*freeze_backbone: true.*color_jitter: false"):
            dataclasses.replace(CONFIG, **change)
