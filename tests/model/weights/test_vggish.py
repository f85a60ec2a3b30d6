"""The head's file: what is written is what is loaded, and other files are refused by name."""

import json

import pytest
import torch
from safetensors.torch import save_file

from c3n_model.network.audio.vggish import AttentionHead, VGGish
from c3n_model.weights.vggish import METADATA_KEY, load_head, save_head


def tiny_encoder(num_classes: int) -> VGGish:
    """VGGish without memory, but for its head."""
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
    with pytest.raises(FileNotFoundError, match="no VGGish head at .*; c3n train-vggish-head writes one"):
        load_head(tmp_path / "nothing", encoder)
    path = tmp_path / "head.safetensors"
    save_head(path, AttentionHead(8), {})
    with pytest.raises(ValueError, match="knows 8 classes; the encoder expects 9"):
        load_head(path, encoder)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match="not a complete safetensors file"):
        load_head(path, encoder)
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="but no VGGish head"):
        load_head(path, encoder)
    for about, message in (("{}", "knows None classes"), ("[9]", "its description is a list")):
        save_file({"weight": torch.zeros(2)}, path, metadata={METADATA_KEY: about})
        with pytest.raises(ValueError, match=message):
            load_head(path, encoder)
    tensors = AttentionHead(9).state_dict()
    del tensors["attention.bias"]
    save_file(tensors, path, metadata={METADATA_KEY: json.dumps({"num_classes": 9})})
    with pytest.raises(ValueError, match="do not fit AttentionHead .*1 tensors missing.*attention.bias"):
        load_head(path, encoder)
