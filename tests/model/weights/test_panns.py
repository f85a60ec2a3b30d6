"""PANNs' public files: their own matrices against our front end, their names and shapes against our encoder."""

import pytest
import torch
from panns_matrices import fixed_matrices

from c3n_model.network.audio.panns import LogMel, Panns
from c3n_model.weights.panns import from_public, front_end_difference


def batch_norm(name: str, width: int) -> dict[str, tuple]:
    shapes = {part: (width,) for part in ("weight", "bias", "running_mean", "running_var")}
    return {f"{name}.{part}": shape for part, shape in {**shapes, "num_batches_tracked": ()}.items()}


def public_shapes(name: str) -> dict[str, tuple]:
    """Names and shapes of the learned tensors in the public checkpoint."""
    width = 1024 if name == "panns_mobilenet_v1" else 2048
    shapes = {"fc1.weight": (width, width), "fc1.bias": (width,), **batch_norm("bn0", 64)}
    shapes |= {"fc_audioset.weight": (527, width), "fc_audioset.bias": (527,)}
    if name == "panns_mobilenet_v1":
        shapes |= {"features.0.0.weight": (32, 1, 3, 3), **batch_norm("features.0.2", 32)}
        widths = [32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]
        for index, (channels, out) in enumerate(zip(widths, widths[1:]), start=1):
            shapes |= {f"features.{index}.0.weight": (channels, 1, 3, 3), **batch_norm(f"features.{index}.2", channels)}
            shapes |= {f"features.{index}.4.weight": (out, channels, 1, 1), **batch_norm(f"features.{index}.5", out)}
        return shapes
    channels = 1
    for index, out in enumerate([64, 128, 256, 512, 1024, 2048], start=1):
        block = f"conv_block{index}"
        shapes |= {f"{block}.conv1.weight": (out, channels, 3, 3), f"{block}.conv2.weight": (out, out, 3, 3)}
        shapes |= {**batch_norm(f"{block}.bn1", out), **batch_norm(f"{block}.bn2", out)}
        channels = out
    return shapes


@pytest.mark.parametrize("sample_rate", [32000, 16000])
def test_front_end_agrees_with_the_checkpoints_matrices(sample_rate):
    checkpoint = {"model": fixed_matrices(sample_rate)}
    assert front_end_difference(LogMel(sample_rate), checkpoint) < 1e-3


def test_a_wrong_front_end_is_noticed():
    checkpoint = {"model": fixed_matrices(32000)}
    symmetric = LogMel(32000)
    symmetric.window = torch.hann_window(1024, periodic=False)
    assert front_end_difference(symmetric, checkpoint) > 0.05
    with pytest.raises(ValueError, match="FFT has 1024 samples, ours 512"):
        front_end_difference(LogMel(16000), checkpoint)
    del checkpoint["model"]["logmel_extractor.melW"]
    with pytest.raises(ValueError, match="logmel_extractor.melW is missing"):
        front_end_difference(LogMel(32000), checkpoint)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("panns_cnn14", 80_753_615), ("panns_cnn14_16k", 80_753_615), ("panns_mobilenet_v1", 4_796_303)],
)
def test_public_checkpoint_loads_strictly(name, parameters):
    with torch.device("meta"):
        public = {key: torch.empty(shape) for key, shape in public_shapes(name).items()}
        encoder = Panns(name)
    public |= fixed_matrices(encoder.sample_rate)
    encoder.load_state_dict(from_public({"iteration": 1, "model": public}), assign=True)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == parameters


def test_from_public_keeps_what_was_learned():
    weight = torch.rand(64, 64, 3, 3)
    state = from_public({"model": {"conv_block1.conv2.weight": weight, **fixed_matrices(16000)}})
    assert state.keys() == {"features.0.conv2.weight"} and state["features.0.conv2.weight"] is weight
    with pytest.raises(ValueError, match="a dict with the key 'model'; got bn0.weight"):
        from_public({"bn0.weight": weight})
