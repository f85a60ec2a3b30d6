"""A graph is split in two at a tensor; only its end is rounded."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from c3n_model.deployment.openvino_network import OpenVinoNetwork, openvino_core, split_at

pytest.importorskip("openvino")
FEATURES = ["map", "context"]
FINE = np.float32(1 + 2**-10)  # bfloat16 has 8 bits: it becomes 1


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """x (8, 8) -> map = x; early = 2 map, of which context = early follows; late = relu(map) + context + x."""
    square = {
        name: numpy_helper.from_array(np.eye(8, dtype=np.float32) * value, name) for name, value in (("w", 1), ("v", 2))
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["map"]),
        helper.make_node("MatMul", ["map", "v"], ["early"]),
        helper.make_node("Identity", ["early"], ["context"]),
        helper.make_node("MatMul", ["map", "w"], ["again"]),
        helper.make_node("Relu", ["again"], ["positive"]),
        helper.make_node("MatMul", ["positive", "w"], ["product"]),
        helper.make_node("Sum", ["product", "context", "x"], ["late"]),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [8, 8]) for name in ("x", "early", "late")]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], list(square.values()))
    path = tmp_path_factory.mktemp("split") / "g.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


def test_the_parts_together_are_the_whole(path):
    given = {"x": np.random.default_rng(0).normal(0, 1, (8, 8)).astype(np.float32)}
    whole, split = (OpenVinoNetwork(path, precision, 1, FEATURES) for precision in ("float32", "bfloat16"))
    for _ in range(2):  # the parts share memory
        expected, found = whole.run(given), split.run(given)
        np.testing.assert_allclose(expected("late"), np.maximum(given["x"], 0) + 3 * given["x"], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found("early"), 2 * given["x"], rtol=1e-6)
        np.testing.assert_allclose(found("late"), expected("late"), atol=0.05)
        given = {"x": -given["x"]}
    assert whole.input_shape("x") == split.input_shape("x") == (8, 8)


def test_the_first_part_ends_at_the_tensor(path):
    first, last = split_at(openvino_core().read_model(str(path)), [*FEATURES, "none of this name"])
    assert "early" in {name for output in first.outputs for name in output.names}
    assert [output.get_any_name() for output in last.outputs] == ["late"]
    kinds = [[node.get_type_name() for node in part.get_ordered_ops()] for part in (first, last)]
    assert (kinds[0].count("MatMul"), kinds[1].count("MatMul")) == (2, 2)
    assert {given.get_any_name() for given in last.inputs} <= {
        name for output in first.outputs for name in output.names
    }


def test_only_the_last_part_is_rounded(path):
    capabilities = openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if "BF16" not in capabilities:
        pytest.skip("this CPU has no bfloat16")
    found = OpenVinoNetwork(path, "bfloat16", 1, FEATURES).run({"x": np.full((8, 8), FINE)})
    assert (found("early") == 2 * FINE).all()
    assert (found("late") != 4 * FINE).any()


def test_a_graph_without_the_tensor_is_refused(path):
    with pytest.raises(ValueError, match="none of the tensors map_1, map_2.*c3n export"):
        split_at(openvino_core().read_model(str(path)), ["map_1", "map_2"])
