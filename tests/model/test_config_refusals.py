"""Invalid configurations are refused with one clear line each."""

import pytest

from c3n_model.config import ModelConfig, ZeroShotConfig, from_mapping, read_config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"model: []", "ModelConfig.*mapping.*\\[\\]"),
        (b"[]", "odd.yaml.*model, pretrain.*list"),
        (b"model: 5", "ModelConfig.*mapping.*5"),
        (b"model: {5: 1}", "ModelConfig.*key 5.*visual"),
        (b"{1: {}, modle: {}}", "odd.yaml.*section 1.*model, pretrain"),
        (b"model: {visual: \xff}", r"odd.yaml.*YAML.*utf-8"),
    ],
)
def test_files_of_another_form_are_one_clear_line(tmp_path, text, message):
    (tmp_path / "odd.yaml").write_bytes(text)
    with pytest.raises(ValueError, match=message):
        read_config(tmp_path / "odd.yaml")


@pytest.mark.parametrize("kind", [ModelConfig, ZeroShotConfig])
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"history": 0}, "history must be at least 1, got 0"),
        ({"image_size": 31}, "image_size must be at least 32, got 31"),
        ({"alpha": -0.1}, "alpha must be at least 0, got -0.1"),
        ({"beta": float("nan")}, "beta must be at least 0, got nan"),
        ({"alpha": float("inf")}, "alpha must be at most 10, got inf"),
        ({"image_size": 100_000}, "image_size must be at most 4096, got 100000"),
        ({"presence_threshold": 7.0}, "presence_threshold must be at most 1, got 7.0"),
    ],
)
def test_values_out_of_range_are_named(kind, setting, message):
    with pytest.raises(ValueError, match=message):
        from_mapping(kind, setting)


def test_at_least_two_channels():
    """theta of the fusion has half of them."""
    with pytest.raises(ValueError, match="channels must be at least 2, got 1"):
        ModelConfig(channels=1)


def test_a_gate_that_turns_around_is_refused():
    with pytest.raises(ValueError, match="gate_strength must be at least 0, got -1"):
        ModelConfig(gate_strength=-1.0)
