"""Rewrites of a traced graph that leave its results as they are, and make it smaller or quicker to run."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx

aten = torch.ops.aten


def simplify(traced: fx.GraphModule) -> fx.GraphModule:
    """Apply all rewrites of this module in place."""
    for rewrite in (
        keep_upsampling,
        move_channels_before_flattening,
        drop_views,
        fold_constants,
        share_factors,
        multiply_by_signs,
    ):
        rewrite(traced)
        traced.graph.eliminate_dead_code()
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced


def keep_upsampling(traced: fx.GraphModule) -> None:
    """Name bilinear upsampling as torch's exporter knows it, as one operation; others it writes as gathers of all pixels."""
    for node in traced.graph.find_nodes(op="call_function", target=aten.upsample_bilinear2d.default):
        features, size, align_corners, *_ = node.args
        node.target, node.args, node.kwargs = aten.upsample_bilinear2d.vec, (features, size, align_corners, None), {}


def move_channels_before_flattening(traced: fx.GraphModule) -> None:
    """Write (N, C, H, W) -> (N, C, HW) -> (N, HW, C) as (N, H, W, C) -> (N, HW, C): runtimes whose convolutions have a layout
    of their own then move every number once."""
    for node in traced.graph.find_nodes(op="call_function", target=aten.permute.default):
        flat, order = node.args
        if order != [0, 2, 1] or flat.target is not aten.view.default:
            continue
        maps = flat.args[0]
        shape, flattened = maps.meta["val"].shape, flat.meta["val"].shape
        if len(shape) != 4 or shape[:2] != flattened[:2]:
            continue
        with traced.graph.inserting_before(node):
            last = traced.graph.call_function(aten.permute.default, (maps, [0, 2, 3, 1]))
            moved = traced.graph.call_function(aten.reshape.default, (last, list(node.meta["val"].shape)))
        last.meta["val"], moved.meta["val"] = maps.meta["val"].permute(0, 2, 3, 1), node.meta["val"]
        node.replace_all_uses_with(moved)


def drop_views(traced: fx.GraphModule) -> None:
    """Leave out views that change no shape, and those whose only use is another view."""
    views = (aten.view.default, aten.reshape.default)
    for node in traced.graph.nodes:
        if node.op != "call_function" or node.target not in (*views, aten.expand.default):
            continue
        source = node.args[0]
        if source.meta["val"].shape == node.meta["val"].shape:
            node.replace_all_uses_with(source)
        elif node.target in views and source.target in views:
            node.target, node.args = aten.reshape.default, (source.args[0], node.args[1])


def fold_constants(traced: fx.GraphModule) -> None:
    """Compute what depends on no input, such as the kernels of spectra and the masks of upsampling, once."""
    known: dict[fx.Node, Any] = {}
    for node in traced.graph.nodes:
        if node.op == "get_attr":
            known[node] = getattr(traced, node.target)
        elif node.op == "call_function" and all(part in known for part in node.all_input_nodes) and _is_pure(node):
            arguments, options = fx.node.map_arg((node.args, node.kwargs), known.get)
            known[node] = node.target(*arguments, **options)
    for number, (node, value) in enumerate(known.items()):
        if node.op == "call_function" and isinstance(value, Tensor) and any(user not in known for user in node.users):
            name = f"folded_{number}"
            traced.register_buffer(name, value.detach().clone())
            with traced.graph.inserting_before(node):
                constant = traced.graph.get_attr(name)
            node.replace_all_uses_with(constant, delete_user_cb=lambda user: user not in known)


def _is_pure(node: fx.Node) -> bool:
    return not isinstance(node.target, torch._ops.OpOverload) or not node.target._schema.is_mutable


def share_factors(traced: fx.GraphModule) -> None:
    """Multiply a batch by one constant matrix, where tracing has made a copy of it for each."""
    for node in traced.graph.find_nodes(op="call_function", target=aten.bmm.default):
        factor, batch = node.args
        if factor.op != "get_attr" or len(node.meta["val"]) == 1:
            continue
        copies = getattr(traced, factor.target)
        if not (copies == copies[:1]).all():
            continue
        name = f"shared_{node.name}"
        traced.register_buffer(name, copies[0].clone())
        with traced.graph.inserting_before(node):
            product = traced.graph.call_function(aten.matmul.default, (traced.graph.get_attr(name), batch))
        node.replace_all_uses_with(product)


def multiply_by_signs(traced: fx.GraphModule) -> None:
    """Write the gradient of a ReLU, where(relu(x) <= 0, 0, gradient), as gradient * sign(relu(x)): choosing takes ONNX Runtime
    several times as long as a product."""
    for node in traced.graph.find_nodes(op="call_function", target=aten.where.self):
        condition, zero, gradient = node.args
        if condition.target is not aten.le.Scalar or condition.args[1] != 0 or zero.op != "get_attr":
            continue
        positive = condition.args[0]
        while positive.target is aten.alias.default:
            positive = positive.args[0]
        if positive.target not in (aten.relu.default, aten.relu_.default) or getattr(traced, zero.target).any():
            continue
        with traced.graph.inserting_before(node):
            sign = traced.graph.call_function(aten.sign.default, (positive,))
            product = traced.graph.call_function(aten.mul.Tensor, (gradient, sign))
        sign.meta["val"], product.meta["val"] = positive.meta["val"], node.meta["val"]
        node.replace_all_uses_with(product)
