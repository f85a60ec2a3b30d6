"""The public files' names, and the file of the head: round trip, and errors that name the invalid file."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from c3n_model.network.audio.vggish import AttentionHead, VGGish
from c3n_model.weights.tensors import load_weights
from c3n_model.weights.vggish import METADATA_KEY, from_public, load_head, save_head

PUBLIC_SHAPES = {
    "features.0": (64, 1, 3, 3),
    "features.3": (128, 64, 3, 3),
    "features.6": (256, 128, 3, 3),
    "features.8": (256, 256, 3, 3),
    "features.11": (512, 256, 3, 3),
    "features.13": (512, 512, 3, 3),
    "embeddings.0": (4096, 12288),
    "embeddings.2": (4096, 4096),
    "embeddings.4": (128, 4096),
}


def tiny_encoder(num_classes: int) -> VGGish:
    """Build VGGish on the meta device, except for its head."""
    with torch.device("meta"):
        encoder = VGGish(num_classes)
    encoder.classifier = AttentionHead(num_classes)
    return encoder.eval()


def test_head_survives_its_file(tmp_path):
    head = AttentionHead(9).eval()
    save_head(tmp_path / "folder/head.safetensors", head, {"command": "c3n"})
    encoder = tiny_encoder(9)
    assert load_head(tmp_path / "folder/head.safetensors", encoder) == {"num_classes": 9, "command": "c3n"}
    bags = torch.rand(2, 3, 128) * 2 - 1
    assert torch.equal(encoder.head()(bags), head(bags))


def test_other_files_are_refused(tmp_path):
    encoder = tiny_encoder(9)
    with pytest.raises(FileNotFoundError, match="nothing; c3n train-vggish-head"):
        load_head(tmp_path / "nothing", encoder)
    path = tmp_path / "head.safetensors"
    save_head(path, AttentionHead(8), {})
    with pytest.raises(ValueError, match="9 classes, .*head.safetensors has 8"):
        load_head(path, encoder)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match="not a complete safetensors file"):
        load_head(path, encoder)
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="head.safetensors is not a VGGish head: .*c3n_vggish_head"):
        load_head(path, encoder)
    for about, message in (("{}", "9 classes, .* has None"), ("[9]", "got a list")):
        save_file({"weight": torch.zeros(2)}, path, metadata={METADATA_KEY: about})
        with pytest.raises(ValueError, match=message):
            load_head(path, encoder)
    tensors = AttentionHead(9).state_dict()
    del tensors["attention.bias"]
    save_file(tensors, path, metadata={METADATA_KEY: json.dumps({"num_classes": 9})})
    with pytest.raises(ValueError, match="do not fit AttentionHead .*1 tensors missing.*attention.bias"):
        load_head(path, encoder)


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return VGGish(527).eval()


def public_files():
    """Build tensors with the names and shapes of the public checkpoints, each expanded from one distinct number."""
    state = {}
    for value, (name, shape) in enumerate(PUBLIC_SHAPES.items()):
        state[f"{name}.weight"] = torch.tensor(value / 100).expand(shape)
        state[f"{name}.bias"] = torch.tensor(-value / 100).expand(shape[:1])
    pca = {"pca_eigen_vectors": np.eye(128) * 3, "pca_means": np.full((128, 1), 0.25)}
    return state, pca


def test_public_files_load_strictly(encoder):
    state, pca = public_files()
    loaded = from_public(state, pca)
    head = {f"classifier.{name}": value for name, value in encoder.head().state_dict().items()}
    with torch.device("meta"):
        fresh = VGGish(527)
    fresh.load_state_dict(loaded | head, strict=True, assign=True)
    assert fresh.features[13].bias[511].item() == pytest.approx(-0.05)
    assert fresh.embeddings[4].weight[127, 0].item() == pytest.approx(0.08)
    assert fresh.whitening.pca_eigen_vectors[5, 5].item() == 3
    assert fresh.whitening.pca_means.shape == (128, 1)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda state, pca: state.pop("features.3.bias"), "1 tensors missing, 0 unknown, 0 of .*features.3.bias"),
        (lambda state, pca: state.update(extra=torch.zeros(2)), "0 tensors missing, 1 unknown, 0 of .*extra"),
        (
            lambda state, pca: pca.update(pca_eigen_vectors=np.eye(64)),
            "1 of another shape .*whitening.pca_eigen_vectors",
        ),
        (lambda state, pca: pca.clear(), "expected pca_eigen_vectors and pca_means, got nothing"),
        (lambda state, pca: pca.update(model={}), "got pca_eigen_vectors, pca_means, model"),
    ],
)
def test_other_files_are_refused_by_name(encoder, spoil, message):
    state, pca = public_files()
    spoil(state, pca)
    head = {f"classifier.{name}": value for name, value in encoder.head().state_dict().items()}
    with pytest.raises(ValueError, match=message):
        load_weights(encoder, from_public(state, pca) | head, Path("vggish.pth"))
