"""An exported step gives what the session gives in torch; a runtime that does not is refused by name."""

import ctypes
import gc
import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from bright_model import make_bright_model
from printed_lines import printed
from stand_in_model import every_model_is
from tiny import make_model_that_listens_back, make_tiny_model

from c3n_model.cli import main
from c3n_model.commands import export
from c3n_model.deployment import exported
from c3n_model.deployment.export import TorchStep, compare, export_model
from c3n_model.deployment.exported import METADATA_KEY, load_exported, open_runtime
from c3n_model.deployment.step_graph import StepGraph, example_inputs
from c3n_model.loading import load_model
from c3n_model.network.answer import Answer
from c3n_model.network.mask_quality import MaskQuality
from c3n_model.streaming.session import Session
from c3n_model.synthetic.source import demo_seconds
from c3n_model.types import Frame, Window

SECOND_NS = 1_000_000_000
ANSWER = Answer(np.zeros((2, 2), np.float32), 1, 2, 0.5, 0.5, 1.0, 0.5, 0.5)


@pytest.fixture(scope="module")
def model():
    """Its masks depend on the seconds before, and are unsure: it expects more of a mask of what is in plain view."""
    model = make_model_that_listens_back(history=3, gate="standard", presence_threshold=0.5)
    model.network.mask_quality = MaskQuality()
    model.network.mask_quality.weight.copy_(torch.tensor([0.1, 1.0]))
    model.network.mask_quality.plain_view.copy_(torch.tensor([0.0, 6.0]))
    return model


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    pytest.importorskip("onnxscript")
    folder = tmp_path_factory.mktemp("export")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        every_model_is(patch, lambda: model)
        patch.setattr(export, "CHECKED_INPUTS", 4)
        main(printed("c3n export"))
    return folder / "demo.onnx"


def test_a_graph_tells_the_size_of_every_convolution(path):
    graph = onnx.load(path).graph
    known = {value.name: value.type.tensor_type.shape.dim for value in (*graph.value_info, *graph.output)}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert len(convolutions) > 10
    for node in convolutions:  # on which rewriting one for a CPU depends
        assert all(size.dim_value > 0 for size in known[node.output[0]])


def windows():
    return [
        Window(second * SECOND_NS, Frame(rgb, second * SECOND_NS + 1), snippet)
        for second, (rgb, snippet) in enumerate(demo_seconds(5, 32000))
    ]


def test_a_session_of_it_gives_the_same_masks_labels_and_history(model, path):
    settings = {"presence_threshold": 0.0, "threshold": 0.11}
    torch_session, other = Session(model, "cpu", **settings), Session(load_model(path), "cpu", **settings)
    for window in windows():
        expected, found = torch_session.step(window), other.step(window)
        assert found.label.audio == expected.label.audio and found.label.visual == expected.label.visual
        assert found.label.consensus == pytest.approx(expected.label.consensus, rel=1e-4)
        assert found.presence.score == pytest.approx(expected.presence.score, rel=1e-4)
        assert np.abs(found.confidence.astype(int) - expected.confidence).max() <= 1


def test_it_expects_the_same_of_its_masks(model, path):
    """Something is heard that is not in view, and the session says so."""
    torch_session, other = Session(model, "cpu"), Session(load_model(path), "cpu")
    for window in windows()[:2]:
        expected, found = torch_session.step(window), other.step(window)
        assert found.presence.score == pytest.approx(expected.presence.score, rel=1e-4)
        assert found.presence.reason == expected.presence.reason == "not in view"


def test_a_step_without_expectations_has_no_audible_score():
    model = make_tiny_model(history=2)
    probability, classes, scores, summary = StepGraph(model.network)(*example_inputs(model, 2))
    answer, _ = exported._answer([tensor.detach().numpy() for tensor in (probability, classes, scores, summary)])
    assert len(scores) == 5 and answer.audible is None and answer.presence == pytest.approx(float(scores[4]))


def test_the_stack_of_signals_outlives_openvino(path):
    """Without it the next signal with a handler of Python's ends the process."""

    class Stack(ctypes.Structure):
        _fields_ = [("address", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]

    pytest.importorskip("openvino")
    steps = [exported.OpenVinoStep(path, "float32", 1)]
    dropping = threading.Thread(target=steps.clear)
    dropping.start()
    dropping.join()
    gc.collect()
    stack = Stack()
    assert ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack)) == 0 and stack.address
    spans = [line.split()[0].split("-") for line in Path("/proc/self/maps").read_text().splitlines()]
    assert any(int(low, 16) <= stack.address < int(high, 16) for low, high in spans)


def test_it_runs_without_timm(path):
    """timm and what it imports take longer to import than torch."""
    code = f"""
import sys
from c3n_model import Session, load_model
Session(load_model({str(path)!r}), "cpu")
print(*{{"timm", "torchvision", "torch._dynamo", "onnxscript"}} & sys.modules.keys())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_past_counts_as_in_torch(model, path):
    reference, step = TorchStep(model), open_runtime(load_exported(path).network, "auto")
    random = np.random.default_rng(0)
    frame, snippet = random.integers(0, 256, (64, 64, 3), np.uint8), random.normal(0, 0.1, 32000).astype(np.float32)
    past = list(random.normal(0, 1, (2, 2, 4, 4)).astype(np.float32))
    for seconds in (past[:0], past[:1], past):
        (expected, summary), (found, own) = (one.step(frame, snippet, seconds) for one in (reference, step))
        np.testing.assert_allclose(found.probability, expected.probability, atol=1e-5)
        np.testing.assert_allclose(own, summary, atol=1e-5)
    assert np.abs(found.probability - step.step(frame, snippet, past[:1])[0].probability).max() > 1e-3


def test_the_file_says_what_it_is(model, path):
    loaded = load_exported(path)
    assert (loaded.config, loaded.audio_labels, loaded.visual_labels) == (
        model.config, model.audio_labels, model.visual_labels,
    )  # fmt: skip
    assert loaded.fingerprint == model.fingerprint and loaded.sample_rate == model.sample_rate
    assert loaded.network.checks["onnxruntime"].passed
    graph = onnx.load(path)
    assert graph.opset_import[0].version == 18
    kinds = {node.op_type for node in graph.graph.node}
    assert not kinds & {"STFT", "DFT", "Loop", "If", "NonZero"}, "static, and what TensorRT has"
    assert "CastLike" not in kinds and "Resize" in kinds
    assert sum(node.op_type == "GatherND" for node in graph.graph.node) <= 2, "upsampling gathers no pixels"


def test_what_cannot_run_says_what_can(model, path, monkeypatch):
    network = load_exported(path).network
    with pytest.raises(ValueError, match="no runtime onnxruntime in bfloat16.*openvino bfloat16"):
        open_runtime(network, "onnxruntime", precision="bfloat16")
    with pytest.raises(ValueError, match="runs exported steps.*C3N.*c3n export"):
        Session(model, "cpu", runtime="onnxruntime")
    with pytest.raises(ValueError, match="does not run in torch"):
        Session(load_exported(path), "cpu", runtime="torch")
    monkeypatch.delitem(network.checks, "onnxruntime")
    with pytest.raises(ValueError, match="was not checked with onnxruntime.*c3n export"):
        open_runtime(network, "auto")
    session = Session(load_exported(path), "cpu", history=4)
    for window in windows()[:3]:
        session.step(window)
    with pytest.raises(ValueError, match="looks back 2 s, got 3; use a history of at most 3"):
        session.step(windows()[3])


def test_a_runtime_that_computes_something_else_is_refused_with_the_figure(path, tmp_path):
    """The file's own record of the check is what counts."""
    proto = onnx.load(path)
    description = json.loads(proto.metadata_props[0].value)
    description["checks"]["onnxruntime"] |= {"mask_difference": 0.0432}
    onnx.helper.set_model_props(proto, {METADATA_KEY: json.dumps(description)})
    onnx.save(proto, tmp_path / "far.onnx")
    with pytest.raises(ValueError, match=r"onnxruntime failed its check of far.onnx.*masks within 0.04.*0.001"):
        Session(load_exported(tmp_path / "far.onnx"), "cpu")


@pytest.mark.parametrize(
    ("change", "passed"),
    [({}, True), ({"audio_class": 3}, False), ({"probability": np.full((2, 2), 2e-3, np.float32)}, False),
     ({"probability": np.full((2, 2), np.nan, np.float32)}, False), ({"probability": np.full((2, 2), 5e-4, np.float32)}, True)],
)  # fmt: skip
def test_a_check_by_hand(change, passed):
    assert compare([ANSWER, ANSWER], [ANSWER, replace(ANSWER, **change)]).passed == passed


def test_other_models_and_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match="BrightNetwork.*C3N"):
        export_model(make_bright_model(), tmp_path / "a.onnx", [])
    with pytest.raises(ValueError, match="history must be at least 2 s, got 1"):
        export_model(make_tiny_model(), tmp_path / "a.onnx", [], history=1)
    (tmp_path / "b.onnx").write_bytes(b"no graph")
    with pytest.raises(ValueError, match="b.onnx is no exported step.*c3n export"):
        load_model(tmp_path / "b.onnx")
    assert set(exported.RUNTIMES.values()) == {"onnxruntime", "openvino"}
