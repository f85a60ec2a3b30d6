"""Invalid configurations are refused with one clear line each."""

import pytest

from c3n_model.config import ModelConfig, TrainConfig, ZeroShotConfig, from_mapping, read_config


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


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stochastic_depth": -0.1}, "stochastic_depth is -0.1; expected"),
        ({"stochastic_depth": 1.0}, "stochastic_depth is 1.0; expected"),
        ({"stochastic_depth": float("nan")}, "stochastic_depth is nan; expected"),
        ({"stochastic_depth": 0.1, "freeze_backbone": True}, "stochastic_depth: 0.0 or freeze_backbone: false"),
    ],
)
def test_stochastic_depth_that_cannot_be(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**settings)


def test_deep_and_endless_yaml_is_refused_in_little_time_and_text(tmp_path):
    deep, endless = tmp_path / "deep.yaml", tmp_path / "endless.yaml"
    deep.write_text("model: " + "[" * 5000)
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    for path, text in (
        (deep, None),
        (endless, "\n".join([*lines, "model: *a11"])),
        (endless, "\n".join([*lines, "model: {visual: *a11}"])),
    ):
        path.write_text(text or path.read_text())
        with pytest.raises(ValueError) as error:
            read_config(path)
        assert len(str(error.value)) < 1000
    section = "\n".join(["model:", *("  " + line for line in lines[:-1]), "  channels: *a10"])
    endless.write_text(section)
    with pytest.raises(ValueError) as error:
        read_config(endless)
    assert len(str(error.value)) < 1000
