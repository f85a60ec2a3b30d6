"""Tensors from other files: valid ones are read, damaged and malicious ones raise a clear error."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from c3n_model.weights.tensors import load_weights, read_described, read_tensors, save_tensors


class Poison:
    """An object that is pickled as a call of `os.mkdir`."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["a.safetensors", "a.pth"])
def test_reads_both_kinds(tmp_path, name):
    tensors = {"weight": torch.arange(6.0).view(2, 3), "bias": torch.ones(2)}
    (save_file if name.endswith("safetensors") else torch.save)(tensors, tmp_path / name)
    read = read_tensors(tmp_path / name)
    assert read.keys() == tensors.keys()
    assert all(torch.equal(read[key], tensors[key]) for key in tensors)


@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_numbers_of_numpy_1_and_2_next_to_tensors(tmp_path, module):
    sampler = {"indexes": np.array([3, 1, 2]), "pointer": np.int64(7), "loss": np.float64(0.5)}
    checkpoint = {"model": {"weight": torch.ones(2)}, "sampler": sampler}
    path = tmp_path / "Cnn14_16k.pth"
    torch.save(checkpoint, path, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    named = next(name for name in (b"numpy._core.multiarray", b"numpy.core.multiarray") if name in content)
    path.write_bytes(content.replace(named, module))
    read = read_tensors(path)
    assert read["sampler"]["indexes"].tolist() == [3, 1, 2]
    assert read["sampler"]["pointer"] == 7
    assert torch.equal(read["model"]["weight"], torch.ones(2))


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_pickle_is_not_executed(tmp_path, zipped):
    trap = tmp_path / "sprung"
    torch.save({"weight": Poison(trap)}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match=r"a.pth .*posix.mkdir") as error:
        read_tensors(tmp_path / "a.pth")
    assert "\n" not in str(error.value)
    assert not trap.exists()


@pytest.mark.parametrize("name", ["a.safetensors", "a.pth"])
@pytest.mark.parametrize("keep", [0, 1, 20, 500, 3000, -1])
def test_truncated_files_are_refused(tmp_path, name, keep):
    path = tmp_path / name
    tensors = {"weight": torch.rand(1000)}
    (save_file if name.endswith("safetensors") else torch.save)(tensors, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=f"{name} (cannot be read as weights|is empty)") as error:
        read_tensors(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"hello, this is no checkpoint", b"\x00" * 64, b"<html></html>", b"\x80\x02."])
def test_garbage_is_refused_without_unpickling(tmp_path, content):
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(ValueError, match="a.pth (cannot be read as weights|is a web page)") as error:
        read_tensors(tmp_path / "a.pth")
    assert "weights_only" not in str(error.value)
    assert "\n" not in str(error.value)


def test_not_tensors_by_name(tmp_path):
    torch.save([torch.ones(1)], tmp_path / "a.pth")
    with pytest.raises(ValueError, match="tensors by name, got a list"):
        read_tensors(tmp_path / "a.pth")


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_tensors(tmp_path / "a.pth")


def test_load_weights_into_a_module(tmp_path):
    module = nn.Linear(3, 2)
    load_weights(module, {"weight": torch.full((2, 3), 5.0), "bias": torch.full((2,), 6.0)}, tmp_path / "a.pth")
    assert module.weight.unique().tolist() == [5.0]
    assert module.bias.unique().tolist() == [6.0]


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"weight": torch.zeros(2, 3)}, "1 tensors missing, 0 unknown, 0 of another shape .such as bias"),
        ({"weight": torch.zeros(3, 2), "bias": torch.zeros(2)}, "0 tensors missing, 0 unknown, 1 of another shape"),
        ({"weight": torch.zeros(2, 3), "bias": 3}, "0 tensors missing, 0 unknown, 1 of another shape .such as bias"),
        ({"w": torch.zeros(2, 3)}, "2 tensors missing, 1 unknown, 0 of another shape .such as bias, weight, w"),
    ],
)
def test_weights_that_do_not_fit_change_nothing(tmp_path, tensors, message):
    module = nn.Linear(3, 2)
    before = module.weight.clone()
    with pytest.raises(ValueError, match=f"a.pth do not fit Linear as configured: {message}"):
        load_weights(module, tensors, tmp_path / "a.pth")
    assert torch.equal(module.weight, before)


@pytest.mark.realdata
def test_a_truncated_public_file_is_refused(real_data):
    with pytest.raises(ValueError, match="pvt_v2_b2.truncated.pth cannot be read as weights"):
        read_tensors(real_data / "weights" / "pvt_v2_b2.truncated.pth")


def test_described_round_trip(tmp_path):
    path = tmp_path / "new" / "a.v2.safetensors"
    transposed = torch.arange(6.0).view(2, 3).T  # not contiguous
    save_tensors(path, {"a": transposed}, {"key": {"labels": ("x", "y")}})
    about, tensors = read_described(path, "key", "thing")
    assert about == {"labels": ["x", "y"]}
    assert torch.equal(tensors["a"], transposed)
    assert [file.name for file in path.parent.iterdir()] == ["a.v2.safetensors"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.safetensors"
    save_tensors(path, {"a": torch.ones(1)}, {"key": {"n": 1}})
    with pytest.raises(TypeError):
        save_tensors(path, {"a": torch.zeros(1)}, {"key": {"n": object()}})
    about, tensors = read_described(path, "key", "thing")
    assert about == {"n": 1}
    assert tensors["a"].item() == 1


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "a.safetensors is not a thing: .*'key'"),
        ({"other": "{}"}, "a.safetensors is not a thing: .*'key'"),
        ({"key": "not json"}, "invalid thing .*a.safetensors: .*not JSON"),
        ({"key": "[]"}, "invalid thing .*a.safetensors: .*got a list"),
        ({"key": "null"}, "invalid thing .*a.safetensors: .*got a NoneType"),
    ],
)
def test_other_descriptions(tmp_path, metadata, message):
    save_file({"a": torch.ones(1)}, tmp_path / "a.safetensors", metadata=metadata)
    with pytest.raises(ValueError, match=message):
        read_described(tmp_path / "a.safetensors", "key", "thing")


@pytest.mark.parametrize("content", [b"", b"hello, this is no such file", b"\xff" * 100])
def test_other_bytes(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ValueError, match="a (is not a thing: .* not a complete safetensors file|is empty)"):
        read_described(tmp_path / "a", "key", "thing")


def test_without_space_the_file_is_named_and_left_as_it_was(tmp_path):
    path = tmp_path / "a.safetensors"
    save_tensors(path, {"a": torch.ones(1)})
    script = (
        "import resource, signal, sys, torch\nfrom pathlib import Path\n"
        "from c3n_model.weights.tensors import save_tensors\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try:\n    save_tensors(Path(sys.argv[1]), {'a': torch.zeros(100_000)})\n"
        "except OSError as error:\n    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=120)
    assert str(path) in run.stdout, run.stderr
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert read_tensors(path)["a"].item() == 1


NUMPY_ENTRIES = {
    "str_": np.str_("epoch 7"),
    "texts": np.array(["a", "bc"]),
    "bytes": np.bytes_(b"ab"),
    **{kind: np.arange(3).astype(kind) for kind in ("uint8", "float16", "int16", "complex64", "bool", "uint64")},
    "scalar": np.float16(0.5),
}


@pytest.mark.parametrize("name", NUMPY_ENTRIES)
def test_numpy_entries_next_to_tensors(tmp_path, name):
    torch.save({"weight": torch.ones(2), "more": NUMPY_ENTRIES[name]}, tmp_path / "a.pth")
    read = read_tensors(tmp_path / "a.pth")
    np.testing.assert_array_equal(read["more"], NUMPY_ENTRIES[name])


def test_another_pickle_protocol_is_not_reported_as_truncated(tmp_path):
    torch.save({"weight": torch.ones(2)}, tmp_path / "a.pth", pickle_protocol=5)
    with pytest.raises(ValueError, match="protocol 2.* safetensors") as error:
        read_tensors(tmp_path / "a.pth")
    assert "truncated" not in str(error.value)


def test_arrays_of_objects_are_still_code(tmp_path):
    torch.save({"more": np.array([print], dtype=object)}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match="a.pth"):
        read_tensors(tmp_path / "a.pth")


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_weights_that_are_not_finite_are_refused(tmp_path, value, dtype):
    layer = torch.nn.Linear(2, 2).to(dtype)
    before = layer.weight.clone()
    tensors = {"weight": torch.tensor([[1, value], [0, 0]], dtype=dtype), "bias": torch.zeros(2, dtype=dtype)}
    with pytest.raises(ValueError, match=r"a.pth .* 1 of 2 tensors \(weight: 1\)"):
        load_weights(layer, tensors, tmp_path / "a.pth")
    assert torch.equal(layer.weight, before)
    save_tensors(tmp_path / "a.safetensors", tensors, {"key": {}})
    with pytest.raises(ValueError, match="NaN or infinite"):
        read_described(tmp_path / "a.safetensors", "key", "thing")
