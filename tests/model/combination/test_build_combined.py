"""The thresholds of a combined model: the checkpoint's own, or a higher one of the YAML file."""

import pytest
from toy_zero_shot import SOUNDS, LeftHalf, make_network

from c3n_model.combination import build_combined
from c3n_model.config import ModelConfig, ZeroShotConfig, read_config
from c3n_model.model import Model


@pytest.mark.parametrize(
    ("asked", "expected"), [("", 0.6), ("presence_threshold: 0.4", 0.6), ("presence_threshold: 0.8", 0.8)]
)
def test_the_higher_threshold_counts(asked, expected, tmp_path, monkeypatch):
    network = make_network(LeftHalf())
    zero_shot = Model("zero_shot", network, ZeroShotConfig(presence_threshold=0.7), SOUNDS, ("dog",))
    trained = Model("real", network, ModelConfig(presence_threshold=0.6), SOUNDS, ("violin",))
    monkeypatch.setattr(build_combined, "load_zero_shot", lambda config: zero_shot)
    monkeypatch.setattr(build_combined, "load_checkpoint", lambda path: trained)
    (tmp_path / "c.yaml").write_text(f"combined: {{trained: real.safetensors, {asked}}}")
    model = build_combined.load_combined(read_config(tmp_path / "c.yaml"))
    assert model.network._trained.presence_threshold == expected
    assert model.config.presence_threshold == 0.7, "zero_shot keeps its own"


def test_a_threshold_that_is_none_is_refused(tmp_path):
    (tmp_path / "c.yaml").write_text("combined: {trained: real.safetensors, presence_threshold: 32}")
    with pytest.raises(ValueError, match="combined.presence_threshold is 32"):
        build_combined.load_combined(read_config(tmp_path / "c.yaml"))
