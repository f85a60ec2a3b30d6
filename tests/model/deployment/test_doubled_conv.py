"""A convolution of an upsampled map at the positions of the smaller one: by hand, and against torch in a runtime."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx_graphs import run
from torch.nn import functional as F

from c3n_model.deployment.doubled_conv import EVEN, ODD, interleave, phase_kernels
from c3n_model.deployment.winograd_graph import WORTHWHILE_SIZE, rewrite_convolutions
from c3n_model.network.winograd_conv import WORTHWHILE_CHANNELS

WIDE, LARGE = WORTHWHILE_CHANNELS, WORTHWHILE_SIZE


def make_graph(size, channels=(WIDE, WIDE // 4), frames=1, upsampled=None, **attributes):
    """A graph of a Resize and a Conv; returns also what torch computes with it."""
    random = torch.Generator().manual_seed(0)
    before, after = channels
    weight = torch.randn(after, before, 3, 3, generator=random) * (2 / 9 / before) ** 0.5
    bias = torch.randn(after, generator=random)
    upsampled = upsampled or (2 * size[0], 2 * size[1])
    attributes = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"} | attributes
    attributes = {name: value for name, value in attributes.items() if value is not None}
    nodes = [
        helper.make_node("Resize", ["maps", "", "", "sizes"], ["upsampled"], **attributes),
        helper.make_node("Conv", ["upsampled", "weight", "bias"], ["result"], pads=[1] * 4),
    ]
    tensors = {"sizes": np.array([frames, before, *upsampled]), "weight": weight.numpy(), "bias": bias.numpy()}
    inputs = [helper.make_tensor_value_info("maps", TensorProto.FLOAT, [frames, before, *size])]
    result = helper.make_tensor_value_info("result", TensorProto.FLOAT, [frames, after, *upsampled])
    kept = [numpy_helper.from_array(value, name) for name, value in tensors.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "two", inputs, [result], kept), opset_imports=[helper.make_opsetid("", 18)]
    )
    model.ir_version = 10
    maps = torch.randn(frames, before, *size, generator=random)
    aligned = attributes.get("coordinate_transformation_mode") == "align_corners"
    larger = F.interpolate(maps.double(), upsampled, mode="bilinear", align_corners=aligned)
    expected = F.conv2d(larger, weight.double(), bias.double(), padding=1)
    return onnx.shape_inference.infer_shapes(model), maps.numpy(), expected.numpy()


def operations(model):
    return [node.op_type for node in model.graph.node]


def test_phases_by_hand():
    """Of a row of 0, 4, 8: the four upsampled values in the middle are 1, 3, 5 and 7. Seen by each tap of the even pixel at 4 are 1, 3, 5,
    of the odd one 3, 5, 7."""
    row = np.array([0.0, 4, 8])
    np.testing.assert_array_equal(EVEN @ row, [1, 3, 5])
    np.testing.assert_array_equal(ODD @ row, [3, 5, 7])


def test_a_kernel_that_copies_gives_the_upsampled_values():
    copy = np.zeros((1, 1, 3, 3), np.float32)
    copy[0, 0, 1, 1] = 1
    ramp = np.add.outer([0.0, 40, 80], [0.0, 4, 8])
    np.testing.assert_allclose((phase_kernels(copy)[:, 0] * ramp).sum(axis=(1, 2)), [33, 35, 53, 55])


def test_positions_of_phases():
    np.testing.assert_array_equal(interleave(np.array([[[0, 1]]])), [[[0, 1, 4, 5], [2, 3, 6, 7]]])


@pytest.mark.parametrize("frames", [1, 2])
@pytest.mark.parametrize("size", [(LARGE, LARGE), (LARGE + 1, LARGE + 6)])
def test_a_runtime_computes_the_same_up_to_the_edge(size, frames):
    model, maps, expected = make_graph(size, frames=frames)
    assert rewrite_convolutions(model) == 1
    assert not {"Resize", "Conv"} & set(operations(model))
    onnx.checker.check_model(model)
    np.testing.assert_allclose(run(model.SerializeToString(), maps), expected, atol=5e-6 * np.abs(expected).max())


@pytest.mark.parametrize("positions", [None, "pytorch_half_pixel"])
def test_other_names_of_the_same_positions(positions):
    model, maps, expected = make_graph((LARGE, LARGE), coordinate_transformation_mode=positions)
    assert rewrite_convolutions(model) == 1 and "Resize" not in operations(model)
    np.testing.assert_allclose(run(model.SerializeToString(), maps), expected, atol=5e-6 * np.abs(expected).max())


def test_a_map_of_another_size_is_convolved_after_its_upsampling():
    model, maps, expected = make_graph((LARGE, LARGE), channels=(WIDE, WIDE), upsampled=(2 * LARGE, 2 * LARGE + 1))
    assert rewrite_convolutions(model) == 1
    assert "Resize" in operations(model) and "Conv" not in operations(model)
    np.testing.assert_allclose(run(model.SerializeToString(), maps), expected, atol=5e-6 * np.abs(expected).max())


@pytest.mark.parametrize(
    "other",
    [
        {"coordinate_transformation_mode": "align_corners"},
        {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"},
        {"mode": None},
        {"antialias": 1},
        {"upsampled": (3 * LARGE, 3 * LARGE)},
        {"size": (LARGE - 1, 60)},
        {"channels": (WIDE - 1, WIDE)},
    ],
    ids=str,
)
def test_other_upsampling_stays(other):
    """Few channels after it, so that the convolution itself stays, too."""
    model, *_ = make_graph(**{"size": (LARGE, LARGE)} | other)
    before = operations(model)
    assert rewrite_convolutions(model) == 0
    assert operations(model) == before


def test_a_map_that_others_read_stays():
    model, maps, expected = make_graph((LARGE, LARGE))
    model.graph.output.append(
        helper.make_tensor_value_info("upsampled", TensorProto.FLOAT, [1, WIDE, 2 * LARGE, 2 * LARGE])
    )
    assert rewrite_convolutions(model) == 1
    assert operations(model)[0] == "Resize"
    np.testing.assert_allclose(run(model.SerializeToString(), maps), expected, atol=5e-6 * np.abs(expected).max())
