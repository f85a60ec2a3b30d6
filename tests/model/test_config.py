"""Configuration: unknown keys are refused with the nearest known one."""

from pathlib import Path

import pytest

from c3n_model.config import ModelConfig, TrainConfig, from_mapping, read_config, to_mapping

ROOT = Path(__file__).parents[2]


def test_round_trip():
    config = ModelConfig(visual="resnet18", alpha=0.25)
    assert from_mapping(ModelConfig, to_mapping(config)) == config


def test_defaults_are_the_papers():
    config, training = ModelConfig(), TrainConfig()
    assert (config.channels, config.image_size, config.history) == (256, 224, 5)
    assert (config.alpha, config.beta, config.gate, config.fusion_norm) == (0.1, 0.1, "gradient", False)
    assert (training.epochs, training.batch_size, training.learning_rate) == (20, 8, 1e-4)


def test_unknown_key_names_the_nearest():
    with pytest.raises(ValueError, match="ModelConfig.*'chanels'.*'channels'"):
        from_mapping(ModelConfig, {"chanels": 3})
    with pytest.raises(ValueError, match="TrainConfig.*'zzz'.*epochs, batch_size"):
        from_mapping(TrainConfig, {"zzz": 3})


def test_values_of_another_type_are_named():
    with pytest.raises(ValueError, match=r"learning_rate.*float.*'1e-3'.*1\.0e-3"):
        from_mapping(TrainConfig, {"learning_rate": "1e-3"})
    with pytest.raises(ValueError, match=r"channels.*\bint\b.*'x'"):
        from_mapping(ModelConfig, {"channels": "x"})
    assert from_mapping(ModelConfig, {"alpha": 1}).alpha == 1.0


@pytest.mark.parametrize(("name", "batch_size", "epochs"), [("avsbench_s4", 8, 20), ("avsbench_ms3", 4, 60)])
def test_settings_of_the_paper(name, batch_size, epochs):
    config = read_config(ROOT / "config" / f"{name}.yaml")
    assert (config.train.batch_size, config.train.epochs) == (batch_size, epochs)
    assert config.model == ModelConfig(visual="pvt_v2_b5", audio="panns_cnn14_16k")
