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
