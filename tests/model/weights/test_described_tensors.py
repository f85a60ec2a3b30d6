"""Described tensors: what is written is what is read, readable to all; other files are refused in one clear line."""

import pytest
import torch
from safetensors.torch import save_file

from c3n_model.weights.described_tensors import read, save


def test_round_trip(tmp_path):
    path = tmp_path / "new" / "a.v2.safetensors"
    transposed = torch.arange(6.0).view(2, 3).T  # not contiguous
    save(path, {"a": transposed}, "key", {"labels": ("x", "y")})
    about, tensors = read(path, "key", "thing")
    assert about == {"labels": ["x", "y"]}
    assert torch.equal(tensors["a"], transposed)
    assert [file.name for file in path.parent.iterdir()] == ["a.v2.safetensors"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_what_cannot_be_written_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.safetensors"
    save(path, {"a": torch.ones(1)}, "key", {"n": 1})
    with pytest.raises(TypeError):
        save(path, {"a": torch.zeros(1)}, "key", {"n": object()})
    about, tensors = read(path, "key", "thing")
    assert about == {"n": 1}
    assert tensors["a"].item() == 1


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "but no thing: it lacks the 'key' entry"),
        ({"other": "{}"}, "but no thing: it lacks the 'key' entry"),
        ({"key": "not json"}, "is no usable thing: its description is not JSON"),
        ({"key": "[]"}, "is no usable thing: its description is a list"),
        ({"key": "null"}, "is no usable thing: its description is a NoneType"),
    ],
)
def test_other_descriptions(tmp_path, metadata, message):
    save_file({"a": torch.ones(1)}, tmp_path / "a.safetensors", metadata=metadata)
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "a.safetensors", "key", "thing")


@pytest.mark.parametrize("content", [b"", b"hello, this is no such file", b"\xff" * 100])
def test_other_bytes(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ValueError, match="is no thing: it is not a complete safetensors file .*copy it again"):
        read(tmp_path / "a", "key", "thing")
