"""Which convolutions of a graph are rewritten, and that a runtime computes the same."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_graphs import run

from c3n_model.deployment.winograd_graph import WORTHWHILE_SIZE, read_for_cpu, rewrite_convolutions
from c3n_model.network.winograd_conv import WORTHWHILE_CHANNELS

WIDE, LARGE = WORTHWHILE_CHANNELS, WORTHWHILE_SIZE


def make_graph(channels=WIDE, size=(LARGE, LARGE), frames=1, constant=True, bias=True, **attributes):
    """A graph of one convolution between two ReLUs."""
    random = np.random.default_rng(0)
    weight = random.normal(0, (2 / 9 / channels) ** 0.5, (channels, channels, 3, 3)).astype(np.float32)
    tensors = {"weight": weight, "bias": random.normal(0, 1, channels).astype(np.float32)}
    inputs = [helper.make_tensor_value_info("maps", TensorProto.FLOAT, [frames, channels, *size])]
    if not constant:
        inputs.append(helper.make_tensor_value_info("weight", TensorProto.FLOAT, weight.shape))
    attributes = {"pads": [1, 1, 1, 1], "strides": [1, 1], "dilations": [1, 1]} | attributes
    nodes = [
        helper.make_node("Relu", ["maps"], ["positive"]),
        helper.make_node("Conv", ["positive", "weight", *["bias"] * bias], ["convolved"], **attributes),
        helper.make_node("Relu", ["convolved"], ["result"]),
    ]
    result = helper.make_tensor_value_info("result", TensorProto.FLOAT, None)
    left_out = [name for name, stays in (("weight", constant), ("bias", bias)) if not stays]
    kept = [numpy_helper.from_array(tensors[name], name) for name in tensors if name not in left_out]
    graph = helper.make_graph(nodes, "one", inputs, [result], kept)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 10
    return onnx.shape_inference.infer_shapes(model)


@pytest.mark.parametrize("frames", [1, 2])
@pytest.mark.parametrize("size", [(LARGE, LARGE), (LARGE + 1, LARGE + 6), (LARGE + 3, LARGE)])
def test_a_runtime_computes_the_same(size, frames, tmp_path):
    model = make_graph(size=size, frames=frames)
    onnx.save(model, tmp_path / "plain.onnx")
    maps = np.random.default_rng(1).normal(0, 1, (frames, WIDE, *size)).astype(np.float32)
    expected = run(model.SerializeToString(), maps)
    assert rewrite_convolutions(model) == 1
    assert [node.op_type for node in model.graph.node].count("Conv") == 0
    onnx.checker.check_model(model)
    np.testing.assert_allclose(run(read_for_cpu(tmp_path / "plain.onnx"), maps), expected, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize(
    "other",
    [
        {"channels": WIDE - 1},
        {"size": (LARGE - 1, 60)},
        {"constant": False},
        {"bias": False},
        {"strides": [2, 2]},
        {"dilations": [2, 2], "pads": [2, 2, 2, 2]},
        {"pads": [0, 0, 0, 0]},
        {"pads": [1, 0, 1, 0], "size": (40, 40)},
    ],
    ids=str,
)
def test_other_convolutions_stay(other):
    model = make_graph(**other)
    before = model.SerializeToString()
    assert rewrite_convolutions(model) == 0
    assert model.SerializeToString() == before
