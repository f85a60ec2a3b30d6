"""Segmenters: tiny ONNX models through their runtime, TFLite behind a stand-in."""

import builtins
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from c3n_model.zero_shot.runtimes import TFLiteNetwork
from c3n_model.zero_shot.segmenters import FileSegmenter, open_segmenter

LABELS = ("dark", "red", "green")


def write_onnx(path, *, output: str, size=8, classes=3, input_shape=None) -> None:
    """A segmenter whose first class has score 0 and whose others have a normalised colour: as logits, or the best."""
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, input_shape or [1, 3, size, size])
    kernel = np.zeros((classes, 3, 1, 1), np.float32)
    for k in range(1, min(classes, 4)):
        kernel[k, k - 1] = 1
    nodes = [helper.make_node("Conv", ["picture", "kernel"], ["scores"])]
    kind, shape = TensorProto.FLOAT, [1, classes, size, size]
    if output == "classes":
        nodes.append(helper.make_node("ArgMax", ["scores"], [output], axis=1, keepdims=0))
        kind, shape = TensorProto.INT64, [1, size, size]
    elif output == "probabilities":
        nodes.append(helper.make_node("Softmax", ["scores"], [output], axis=1))
    graph = helper.make_graph(
        nodes,
        "colours",
        [picture],
        [helper.make_tensor_value_info(output, kind, shape)],
        [onnx.numpy_helper.from_array(kernel, "kernel")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def write_labels(path, labels=LABELS) -> None:
    path.write_text("\n".join(labels) + "\n\nremarks\n")


@pytest.fixture
def colours():
    """A red half beside a green half; and black."""
    frames = torch.zeros(2, 3, 16, 16)
    frames[0, 0, :, :8], frames[0, 1, :, 8:] = 1.0, 1.0
    return frames


@pytest.mark.parametrize("size", [8, "any"])
@pytest.mark.parametrize("output", ["classes", "scores", "probabilities"])
def test_onnx_finds_colours(tmp_path, colours, output, size, monkeypatch):
    monkeypatch.setattr("c3n_model.zero_shot.runtimes.ANY_SIZE", 12)
    write_onnx(tmp_path / "colours.onnx", output=output, size=size)
    write_labels(tmp_path / "colours.txt")
    segmenter = open_segmenter(tmp_path / "colours.onnx", tmp_path / "colours.txt")
    assert segmenter.labels == LABELS
    masks = segmenter(colours)
    side = 8 if size == 8 else 12
    assert masks.shape == (2, 3, side, side)
    assert masks.min().item() >= 0
    assert torch.allclose(masks.sum(dim=1), torch.ones(2, side, side), atol=1e-5)
    best = masks.argmax(dim=1)
    assert set(best[0, :, : side // 2 - 1].flatten().tolist()) == {1}
    assert set(best[0, :, side // 2 + 1 :].flatten().tolist()) == {2}
    assert set(best[1].flatten().tolist()) == {0}
    if output != "classes":  # red is (1 - 0.485) / 0.229 normalised, black in the others
        scores = np.exp([0, (1 - 0.485) / 0.229, -0.456 / 0.224])
        assert masks[0, 1, 0, 0].item() == pytest.approx(scores[1] / scores.sum(), abs=1e-4)


def test_labels_must_be_as_many_as_scores(tmp_path):
    write_onnx(tmp_path / "colours.onnx", output="scores")
    write_labels(tmp_path / "colours.txt", LABELS[:2])
    with pytest.raises(ValueError, match=r"colours.onnx .*\(1, 3, 8, 8\) float32.* 2 labels"):
        open_segmenter(tmp_path / "colours.onnx", tmp_path / "colours.txt")


def test_onnx_of_another_input_is_refused(tmp_path):
    write_labels(tmp_path / "labels.txt")
    write_onnx(tmp_path / "many.onnx", output="scores", input_shape=[2, 3, 8, 8])
    with pytest.raises(ValueError, match=r"many.onnx .*\(1, 3, h, w\)") as refused:
        open_segmenter(tmp_path / "many.onnx", tmp_path / "labels.txt")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("suffix", ["onnx", "tflite"])
@pytest.mark.parametrize("content", [b"", b"hello", b"\x08\x07\x12\x04" * 40])
def test_files_of_another_kind_are_one_line(tmp_path, suffix, content):
    pytest.importorskip("ai_edge_litert")
    file = tmp_path / f"broken.{suffix}"
    file.write_bytes(content)
    write_labels(tmp_path / "labels.txt")
    with pytest.raises(ValueError, match=f"broken.{suffix} ") as refused:
        open_segmenter(file, tmp_path / "labels.txt")
    assert "\n" not in str(refused.value)


def test_a_truncated_onnx_file_is_refused_in_one_line(tmp_path):
    write_onnx(tmp_path / "whole.onnx", output="scores")
    write_labels(tmp_path / "labels.txt")
    whole = (tmp_path / "whole.onnx").read_bytes()
    (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cut.onnx is not .* ONNX") as refused:
        open_segmenter(tmp_path / "cut.onnx", tmp_path / "labels.txt")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "has no labels"), (b"\n \n", "has no labels"), (b"\xff\xfe\x00", "not a text file")],
)
def test_bad_label_files_are_refused(tmp_path, content, message):
    write_onnx(tmp_path / "colours.onnx", output="classes")
    (tmp_path / "labels.txt").write_bytes(content)
    with pytest.raises(ValueError, match=f"labels.txt .*{message}"):
        open_segmenter(tmp_path / "colours.onnx", tmp_path / "labels.txt")


def test_missing_files_and_other_kinds_are_named(tmp_path):
    write_onnx(tmp_path / "colours.onnx", output="classes")
    with pytest.raises(FileNotFoundError, match="no such file: .*colours.txt; a segmenter is"):
        open_segmenter(tmp_path / "colours.onnx", tmp_path / "colours.txt")
    write_labels(tmp_path / "colours.txt")
    with pytest.raises(FileNotFoundError, match="no such file: .*nothing.tflite"):
        open_segmenter(tmp_path / "nothing.tflite", tmp_path / "colours.txt")
    with pytest.raises(ValueError, match="colours.txt cannot be opened; expected a .tflite or .onnx file"):
        open_segmenter(tmp_path / "colours.txt", tmp_path / "colours.txt")


@pytest.mark.parametrize(
    ("suffix", "module", "line"),
    [
        ("onnx", "onnxruntime", r'pip install "\.\[zero-shot\]"'),
        ("tflite", "ai_edge_litert", r'pip install "\.\[zero-shot\]"'),
    ],
)
def test_a_missing_runtime_is_named(tmp_path, monkeypatch, suffix, module, line):
    original = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == module:
            raise ImportError(name)
        return original(name, *args, **kwargs)

    (tmp_path / f"file.{suffix}").write_bytes(b"")
    write_labels(tmp_path / "labels.txt")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=line):
        open_segmenter(tmp_path / f"file.{suffix}", tmp_path / "labels.txt")


class Interpreter:
    """Answers as a TFLite interpreter of one input and one output would; keeps what it was shown."""

    def __init__(self, details: dict, output: np.ndarray):
        self.details, self.output, self.shown = details, output, []

    def __call__(self, path, num_threads):
        return self

    def allocate_tensors(self):
        pass

    def get_input_details(self):
        return [self.details | {"index": 0}]

    def get_output_details(self):
        quantization = (0.5, 2) if self.output.dtype == np.int8 else (0.0, 0)
        shape = np.array(self.output.shape)
        return [{"index": 1, "shape": shape, "dtype": self.output.dtype.type, "quantization": quantization}]

    def set_tensor(self, index, picture):
        assert picture.dtype == self.details["dtype"]
        assert picture.shape == tuple(self.details["shape"])
        self.shown.append(picture)

    def invoke(self):
        pass

    def get_tensor(self, index):
        return self.output


def open_tflite(monkeypatch, output: np.ndarray, *, dtype=np.uint8, shape=(1, 2, 2, 3), labels=LABELS):
    interpreter = Interpreter({"shape": np.array(shape), "dtype": dtype}, output)
    module = SimpleNamespace(Interpreter=interpreter)
    monkeypatch.setitem(__import__("sys").modules, "ai_edge_litert", SimpleNamespace(interpreter=module))
    monkeypatch.setitem(__import__("sys").modules, "ai_edge_litert.interpreter", module)
    return FileSegmenter("some.tflite", TFLiteNetwork("some.tflite"), labels), interpreter


@pytest.mark.parametrize(
    ("dtype", "black", "white"), [(np.uint8, 0, 255), (np.int8, -128, 127), (np.float32, -1.0, 1.0)]
)
def test_tflite_reads_pictures_as_its_model_wants_them(monkeypatch, dtype, black, white):
    segmenter, interpreter = open_tflite(monkeypatch, np.zeros((1, 2, 2), np.int64), dtype=dtype)
    segmenter(torch.stack([torch.zeros(3, 4, 4), torch.ones(3, 4, 4)]))
    assert [set(picture.flatten().tolist()) for picture in interpreter.shown] == [{black}, {white}]


@pytest.mark.parametrize("shape", [(1, 2, 2), (1, 2, 2, 1)])
def test_tflite_class_maps_and_what_has_no_label(monkeypatch, shape):
    classes = np.array([0, 1, 2, 255], np.int64).reshape(shape)
    segmenter, _ = open_tflite(monkeypatch, classes)
    masks = segmenter(torch.zeros(1, 3, 4, 4))[0]
    assert masks.flatten(1).tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]  # 255 is in none


def test_tflite_scores_are_counted_in_real_numbers(monkeypatch):
    scores = np.zeros((1, 2, 2, 3), np.int8)
    scores[..., 1] = 6
    segmenter, _ = open_tflite(monkeypatch, scores)
    masks = segmenter(torch.zeros(1, 3, 4, 4))[0]
    real = np.exp([-1.0, 2.0, -1.0])  # scale 0.5, zero at 2
    assert masks[:, 0, 0].tolist() == pytest.approx((real / real.sum()).tolist())


def test_tflite_that_does_not_fit_is_refused(monkeypatch):
    with pytest.raises(ValueError, match=r"\(1, 3, 2, 2\) uint8; expected .*\(1, h, w, 3\)"):
        open_tflite(monkeypatch, np.zeros((1, 2, 2), np.int64), shape=(1, 3, 2, 2))
    with pytest.raises(ValueError, match=r"\(1, 2, 2, 3\) int16"):
        open_tflite(monkeypatch, np.zeros((1, 2, 2), np.int64), dtype=np.int16)
    with pytest.raises(ValueError, match=r"\(1, 2, 2, 4\) float32.* 3 labels"):
        open_tflite(monkeypatch, np.zeros((1, 2, 2, 4), np.float32))


@pytest.mark.realdata
def test_deeplab_sees_a_dog_where_it_is(real_data):
    import cv2

    folder = real_data / "weights"
    segmenter = open_segmenter(
        folder / "deeplabv3_mnv2_pascal_quant.tflite", folder / "pascal_voc_segmentation_labels.txt"
    )
    assert len(segmenter.labels) == 21
    picture = cv2.imread(str(real_data / "pairs" / "dog_image.jpg"))[..., ::-1].copy()
    masks = segmenter(torch.from_numpy(picture).permute(2, 0, 1)[None] / 255)
    assert masks.shape == (1, 21, 513, 513)
    areas = dict(zip(segmenter.labels, masks[0].mean(dim=(1, 2)).tolist(), strict=True))
    areas.pop("background")
    assert max(areas, key=areas.get) == "dog"
    assert areas["dog"] > 0.05


@pytest.mark.realdata
@pytest.mark.parametrize("kept", [100, 1_000_000])
def test_a_truncated_tflite_file_is_refused_in_one_line(real_data, tmp_path, kept):
    whole = (real_data / "weights" / "deeplabv3_mnv2_pascal_quant.tflite").read_bytes()
    (tmp_path / "cut.tflite").write_bytes(whole[:kept])
    write_labels(tmp_path / "labels.txt")
    with pytest.raises(ValueError, match="cut.tflite is not .* TFLite") as refused:
        open_segmenter(tmp_path / "cut.tflite", tmp_path / "labels.txt")
    assert "\n" not in str(refused.value)


def test_a_class_without_a_label_is_refused(monkeypatch):
    segmenter, _ = open_tflite(monkeypatch, np.array([0, 1, 2, 7], np.int64).reshape(1, 2, 2))
    with pytest.raises(ValueError, match="class 7, .* names 3 classes"):
        segmenter(torch.zeros(1, 3, 4, 4))
