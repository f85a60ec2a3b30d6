"""Rewrites keep the results of a graph, and change what they are for."""

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional as F

from c3n_model.deployment.decompositions import decompositions
from c3n_model.deployment.rewrites import simplify

aten = torch.ops.aten


def trace(function, maps):
    return simplify(make_fx(function, decomposition_table=decompositions())(maps))


def count(traced, target):
    return len(traced.graph.find_nodes(op="call_function", target=target))


def test_maps_are_flattened_after_their_channels_moved():
    maps = torch.rand(2, 3, 4, 5)
    traced = trace(lambda x: x.flatten(2).transpose(1, 2) * 2, maps)
    torch.testing.assert_close(traced(maps), maps.flatten(2).mT * 2)
    orders = [node.args[1] for node in traced.graph.find_nodes(op="call_function", target=aten.permute.default)]
    assert orders == [[0, 2, 3, 1]]


def test_other_permutations_stay():
    maps = torch.rand(2, 3, 4, 5)
    traced = trace(lambda x: x.flatten(0, 1).transpose(1, 2) * 2, maps)
    torch.testing.assert_close(traced(maps), maps.flatten(0, 1).mT * 2)


def test_views_that_nobody_needs_are_left_out():
    maps = torch.rand(2, 3, 4)
    traced = trace(lambda x: x.view(6, 4).view(24).view(3, 8).expand(3, 8).view(3, 8) * 2, maps)
    torch.testing.assert_close(traced(maps), maps.view(3, 8) * 2)
    assert sum(node.op == "call_function" for node in traced.graph.nodes) == 2


def test_a_constant_matrix_is_kept_once():
    matrix, maps = torch.rand(6, 4), torch.rand(2, 3, 4, 5)
    traced = trace(lambda x: matrix @ x, maps)
    torch.testing.assert_close(traced(maps), matrix @ maps)
    assert count(traced, aten.bmm.default) == 0
    constants = [getattr(traced, node.target) for node in traced.graph.nodes if node.op == "get_attr"]
    assert [tuple(constant.shape) for constant in constants] == [(6, 4)]


def test_different_matrices_stay():
    matrices, maps = torch.rand(3, 6, 4), torch.rand(3, 4, 5)
    traced = trace(lambda x: torch.bmm(matrices, x), maps)
    torch.testing.assert_close(traced(maps), matrices @ maps)
    assert count(traced, aten.bmm.default) == 1


def test_upsampling_stays_one_operation():
    maps = torch.rand(1, 2, 3, 3)
    traced = trace(lambda x: F.interpolate(x, size=(6, 6), mode="bilinear"), maps)
    torch.testing.assert_close(traced(maps), F.interpolate(maps, size=(6, 6), mode="bilinear"))
    assert count(traced, aten.upsample_bilinear2d.vec) == 1


def test_gradients_of_relus_are_multiplied_by_signs():
    def gradient(maps):
        with torch.enable_grad():
            maps = maps.detach().requires_grad_()
            return torch.autograd.grad((maps.relu() * torch.arange(5.0)).sum(), maps)[0]

    maps = torch.tensor([[-1.0, -2.0, 0.0, 3.0, 4.0]])
    traced = trace(gradient, maps)
    assert traced(maps).tolist() == [[0, 0, 0, 3, 4]]
    assert count(traced, aten.where.self) == 0 and count(traced, aten.sign.default) == 1


@pytest.mark.parametrize(
    ("condition", "expected"),
    [(lambda x: x <= 0, [0, 1.5, 6]), (lambda x: x.relu() <= 1, [0, 0, 6]), (lambda x: x.relu() <= 0, [1, 1.5, 6])],
    ids=["of no ReLU", "of another bound", "of something else"],
)
def test_other_choices_stay(condition, expected):
    maps, otherwise = torch.tensor([[-1.0, 0.5, 2.0]]), torch.tensor(float(expected[0]))
    traced = trace(lambda x: torch.where(condition(x), otherwise, x * 3), maps)
    assert traced(maps).tolist() == [expected]
    assert count(traced, aten.where.self) == 1
