"""Operations as the static graph writes them give what torch gives."""

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional as F

from c3n_model.deployment.decompositions import (
    convolution_backward,
    decompositions,
    mean_pool_backward,
    restride,
)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_and_its_gradient(approximate):
    features = torch.linspace(-6, 6, 101, requires_grad=True)
    direction = torch.linspace(1, 2, 101)
    expected = F.gelu(features, approximate=approximate)
    (slope,) = torch.autograd.grad(expected, features, direction)

    def both(x):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            y = F.gelu(x, approximate=approximate)
            return y, torch.autograd.grad(y, x, direction)[0]

    traced = make_fx(both, decomposition_table=decompositions())(features.detach())
    assert any("gelu" in str(node.target) for node in traced.graph.nodes) == (approximate == "tanh")
    found, found_slope = traced(features.detach())
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(found_slope, slope)


@pytest.mark.parametrize(
    "stride, padding, dilation, groups, size",
    [(1, 1, 1, 1, 8), (2, 1, 1, 1, 8), (2, 3, 1, 2, 9), (1, 2, 2, 4, 7), (1, 0, 1, 2, 8), (1, 3, 1, 1, 8)],
)
def test_the_gradient_of_a_convolution(stride, padding, dilation, groups, size):
    torch.manual_seed(0)
    inputs = torch.randn(2, 4, size, size, requires_grad=True)
    weight = torch.randn(8, 4 // groups, 3, 3)
    output = F.conv2d(inputs, weight, None, stride, padding, dilation, groups)
    direction = torch.randn_like(output)
    (expected,) = torch.autograd.grad(output, inputs, direction)
    found, _, _ = convolution_backward(
        direction,
        inputs,
        weight,
        None,
        [stride] * 2,
        [padding] * 2,
        [dilation] * 2,
        False,
        [0, 0],
        groups,
        [True, False, False],
    )
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("size", [7, 8])
@pytest.mark.parametrize("kernel, stride, padding", [(2, 2, 0), (3, 2, 1)])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("count_include_pad", [False, True])
def test_the_gradient_of_average_pooling(size, kernel, stride, padding, ceil_mode, count_include_pad):
    torch.manual_seed(0)
    inputs = torch.randn(2, 3, size, size, requires_grad=True)
    output = F.avg_pool2d(inputs, kernel, stride, padding, ceil_mode, count_include_pad)
    direction = torch.randn_like(output)
    (expected,) = torch.autograd.grad(output, inputs, direction)
    found = mean_pool_backward(
        direction, inputs, [kernel] * 2, [stride] * 2, [padding] * 2, ceil_mode, count_include_pad, None
    )
    torch.testing.assert_close(found, expected)


def test_strides_that_pooling_sets_are_no_operation():
    features = torch.rand(1, 4, 3, 3).to(memory_format=torch.channels_last)
    traced = make_fx(lambda x: F.adaptive_avg_pool2d(x, 1), decomposition_table=decompositions())(features)
    assert not any("as_strided" in str(node.target) for node in traced.graph.nodes)
    torch.testing.assert_close(traced(features), features.mean(dim=(2, 3), keepdim=True))
    with pytest.raises(NotImplementedError, match=r"\(2, 3\) to \[2, 3\], strides \[1, 2\]"):
        restride(torch.zeros(2, 3), [2, 3], [1, 2])
