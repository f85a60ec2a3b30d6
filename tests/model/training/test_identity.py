"""What was trained before a setting existed is still recognised."""

from c3n_model.config import ModelConfig, TrainConfig, to_mapping
from c3n_model.training.identity import _ADDED, identity


def test_later_settings_count_only_where_they_are_set():
    plain, set_to = to_mapping(TrainConfig()), to_mapping(TrainConfig(stochastic_depth=0.1))
    before = {name: value for name, value in plain.items() if name not in _ADDED}
    assert identity(plain) == identity(before) == before
    assert identity(set_to) == {**before, "stochastic_depth": 0.1}


def test_they_are_listed_with_their_defaults():
    defaults = {**to_mapping(ModelConfig()), **to_mapping(TrainConfig())}
    assert {name: defaults[name] for name in _ADDED} == _ADDED


def test_a_new_setting_is_listed():
    """Otherwise all trainings and caches of before would be done again."""
    model = "visual audio image_size channels history alpha beta consensus gate gate_strength cam_point swin audio_features "
    model += "pyramid fusion_norm decoder presence_threshold visibility_threshold"
    train = "epochs batch_size accumulate precision learning_rate backbone_learning_rate schedule flip color_jitter "
    train += "freeze_backbone cache_features save_every seed"
    assert set(identity(to_mapping(ModelConfig()))) == set(model.split())
    assert set(identity(to_mapping(TrainConfig()))) == set(train.split())
