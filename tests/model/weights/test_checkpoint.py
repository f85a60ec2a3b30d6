"""Checkpoints: round trip, and a clear error for every kind of invalid file."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tiny import make_tiny_model

from c3n_model.config import ZeroShotConfig
from c3n_model.loading import load_model
from c3n_model.training.start import from_classifiers
from c3n_model.weights.checkpoint import METADATA_KEY, build_network, save_model


@pytest.fixture
def file(tmp_path, tiny_model):
    save_model(tmp_path / "tiny.safetensors", tiny_model)
    return tmp_path / "tiny.safetensors"


def rewrite_description(file, change):
    """Replace the JSON description of the model by `change(text)`; the weights stay."""
    with safe_open(file, "pt") as opened:
        text = opened.metadata()[METADATA_KEY]
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}
    save_file(tensors, file, metadata={METADATA_KEY: change(text)})


def with_config(**values):
    """Return a change of the description that sets entries of its config."""

    def change(text: str) -> str:
        about = json.loads(text)
        about["config"] |= values
        return json.dumps(about)

    return change


def test_round_trip(file, tiny_model):
    loaded = load_model(file)
    assert loaded.config == tiny_model.config
    assert (loaded.audio_labels, loaded.visual_labels) == (tiny_model.audio_labels, tiny_model.visual_labels)
    frames, snippets = torch.rand(1, 2, 3, 64, 64), torch.rand(1, 2, 32000) - 0.5
    with torch.no_grad():
        assert torch.equal(loaded.network(frames, snippets), tiny_model.network(frames, snippets))


def test_missing_file_names_the_embedded_models():
    with pytest.raises(FileNotFoundError, match="nowhere.safetensors.*demo, zero_shot"):
        load_model("nowhere.safetensors")


def test_a_truncated_checkpoint_is_refused(file):
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(ValueError, match="tiny.safetensors.* not a complete safetensors file"):
        load_model(file)


def test_pickle_is_refused_without_being_read(tmp_path):
    torch.save({"weights": torch.zeros(2)}, tmp_path / "model.pth")
    with pytest.raises(ValueError, match="model.pth.*Pickled .pt / .pth files"):
        load_model(tmp_path / "model.pth")


def test_bare_backbone_weights(tmp_path):
    save_file({"conv.weight": torch.zeros(2)}, tmp_path / "backbone.safetensors")
    with pytest.raises(ValueError, match="backbone.safetensors.*C3N checkpoint.*'c3n'"):
        load_model(tmp_path / "backbone.safetensors")


def test_another_architecture(file):
    rewrite_description(file, with_config(channels=16))
    with pytest.raises(ValueError, match="do not fit C3N as configured: 0 tensors missing, 0 unknown"):
        load_model(file)


def test_unknown_config_key_names_the_nearest(file):
    rewrite_description(file, with_config(chanels=16))
    with pytest.raises(ValueError, match="did you mean 'channels'"):
        load_model(file)


def test_no_partial_file_remains(tmp_path):
    save_model(tmp_path / "tiny.safetensors", make_tiny_model())
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.safetensors"]


def test_labels_that_are_not_those_of_the_similarities(file, tiny_model):
    def drop_one(text: str) -> str:
        about = json.loads(text)
        return json.dumps(about | {"audio_labels": about["audio_labels"][1:]})

    rewrite_description(file, drop_one)
    classes, sights = tiny_model.network.similarity.shape
    message = rf"similarities .*\({classes - 1}, {sights}\).*got \({classes}, {sights}\)"
    with pytest.raises(ValueError, match=message):
        load_model(file)


@pytest.mark.parametrize("about", ["not json", "{}", json.dumps({"config": {"channels": "x"}})])
def test_unusable_descriptions(file, about):
    rewrite_description(file, lambda _: about)
    with pytest.raises(ValueError, match=r"invalid C3N checkpoint .*tiny.safetensors"):
        load_model(file)


def test_a_zero_shot_model_has_no_checkpoint(tmp_path):
    model = replace(make_tiny_model(), name="heard", config=ZeroShotConfig())
    with pytest.raises(ValueError, match="heard"):
        save_model(tmp_path / "a.safetensors", model)
    assert not list(tmp_path.iterdir())


def test_padding_and_pixel_statistics_travel_in_the_file(tmp_path):
    model = make_tiny_model(visual="mobilenetv2_050")
    same = build_network(
        model.config, model.network.similarity, {"mean": [0.5] * 3, "std": [0.25] * 3, "padding": "same"}
    )
    model = replace(model, network=same.eval())
    save_model(tmp_path / "a.safetensors", model)
    loaded = load_model(tmp_path / "a.safetensors")
    statistics = loaded.network.visual_encoder.input_statistics
    assert statistics == {"mean": [0.5] * 3, "std": [0.25] * 3, "padding": "same"} and "note" not in loaded.card
    frames, snippets = torch.rand(1, 1, 3, 64, 64), torch.rand(1, 1, 32000) - 0.5
    with torch.no_grad():
        assert torch.equal(loaded.network(frames, snippets), model.network(frames, snippets))


def test_a_training_keeps_the_statistics_of_its_classifiers(tmp_path):
    model = make_tiny_model()
    model.network.visual_encoder.set_normalisation(mean=(0.1, 0.2, 0.3), std=(0.5, 0.5, 0.5))
    save_model(tmp_path / "a.safetensors", model)
    started = from_classifiers("b", model.config, tmp_path / "a.safetensors", seed=1)
    assert started.network.visual_encoder.input_statistics == model.network.visual_encoder.input_statistics


def test_missing_pixel_statistics_are_noted(file):
    def forget(text):
        about = json.loads(text)
        del about["visual_input"]
        return json.dumps(about)

    rewrite_description(file, forget)
    note = load_model(file).card["note"]
    assert "tiny.safetensors" in note and "pixel statistics" in note and "test_resnet" in note


@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": [0.5]},
        {"mean": [float("nan")] * 3},
        {"std": [0, 1, 1]},
        {"padding": "round"},
        {"mean": "abc"},
        {"std": None},
    ],
)
def test_invalid_statistics_are_refused(file, wrong):
    def change(text):
        about = json.loads(text)
        about["visual_input"] |= wrong
        return json.dumps(about)

    rewrite_description(file, change)
    with pytest.raises(ValueError, match="invalid C3N checkpoint .*tiny.safetensors"):
        load_model(file)


def test_nan_weights_are_refused(file):
    with safe_open(file, "pt") as opened:
        metadata, tensors = opened.metadata(), {name: opened.get_tensor(name) for name in opened.keys()}
    name = next(name for name, tensor in tensors.items() if tensor.ndim == 4)
    tensors[name][0, 0, 0, 0] = torch.nan
    save_file(tensors, file, metadata=metadata)
    with pytest.raises(ValueError, match=rf"{name}: 1\)"):
        load_model(file)
