"""A static graph in OpenVINO on the CPU, in float32, or with its end in bfloat16."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from c3n_model.deployment.winograd_graph import read_for_cpu

HINTS = {"float32": ("f32",), "bfloat16": ("f32", "bf16")}  # precision -> OpenVINO's, of each part


class OpenVinoNetwork:
    """An ONNX file with one request, so that only one thread may use it.

    In "bfloat16" the file is compiled as two networks, cut by `split_at` at the tensors `features`: the first one, with everything
    that does not follow from these, stays float32. OpenVINO has a precision for a network, not for an operation.
    """

    def __init__(self, path: Path, precision: str, threads: int | None, features: Sequence[str]):
        core, options = openvino_core(), {"PERFORMANCE_HINT": "LATENCY"}
        options |= {"INFERENCE_NUM_THREADS": threads} if threads else {}
        model = core.read_model(read_for_cpu(path) if precision == "float32" else str(path))
        parts = [model] if precision == "float32" else split_at(model, features)
        self._requests = [
            core.compile_model(part, "CPU", options | {"INFERENCE_PRECISION_HINT": hint}).create_infer_request()
            for part, hint in zip(parts, HINTS[precision], strict=True)
        ]
        first, *rest = self._requests
        for later in rest:  # it reads where the first one writes: shapes are fixed, so that nothing is moved or copied
            for given in later.model_inputs:
                later.set_tensor(given, first.get_tensor(given.get_any_name()))

    def input_shape(self, name: str) -> tuple[int, ...]:
        """Shape of an input."""
        return tuple(self._requests[0].get_tensor(name).shape)

    def run(self, inputs: Mapping[str, np.ndarray]) -> Callable[[str], np.ndarray]:
        """Compute; return what gives a copy of each output by its name."""
        first, *rest = self._requests
        first.infer(dict(inputs))
        for later in rest:
            later.infer()
        owners = {
            name: request for request in self._requests for output in request.model_outputs for name in output.names
        }
        return lambda name: np.array(owners[name].get_tensor(name).data)


@functools.cache
def openvino_core() -> Any:
    """OpenVINO's `Core`, one for the life of the process: its CPU plugin gives the thread that loads it another stack for signals, and
    frees that stack in whichever thread drops the last user of it; the next Ctrl-C (or SIGCHLD) of the first thread would be a crash."""
    import openvino

    return openvino.Core()


def split_at(model: Any, features: Iterable[str]) -> list[Any]:
    """Split an `openvino.Model` in two: what follows from the tensors `features`, but for what one of them follows from, is the second.

    The inputs of the second one are outputs of the first, under the same names. `model` itself is taken apart.

    Raises ValueError if it has none of the tensors.
    """
    import openvino

    marks = {name: output for node in model.get_ordered_ops() for output in node.outputs() for name in output.names}
    starts = [marks[name] for name in features if name in marks]
    if not starts:
        raise ValueError(f"the graph has none of the tensors {', '.join(features)}; write it again with c3n export")
    before = _reach([start.get_node() for start in starts], _sources)
    follows = _reach([target.get_node() for start in starts for target in start.get_target_inputs()], _targets) - before
    results = {result.get_name(): _sources(result)[0].get_name() for result in model.get_results()}
    follows -= {
        name for name, source in results.items() if source not in follows
    }  # what the first part computed, it gives
    # What needs no input is a constant, and stays with its user.
    variable = _reach(model.get_parameters(), _targets)
    nodes = {node.get_name(): node for node in model.get_ordered_ops()}
    crossing: dict[tuple[str, int], list[Any]] = {}
    for name in nodes.keys() & follows:
        for target in nodes[name].inputs():
            source = target.get_source_output()
            if source.get_node().get_name() in variable - follows:
                crossing.setdefault((source.get_node().get_name(), source.get_index()), []).append(target)
    passed, taken = [], []
    for number, ((name, index), targets) in enumerate(sorted(crossing.items())):
        source = nodes[name].output(index)
        passed.append(openvino.opset13.result(source))
        taken.append(openvino.opset13.parameter(source.shape, source.element_type))
        source.get_tensor().add_names({f"passed_{number}"})
        taken[-1].output(0).get_tensor().set_names({f"passed_{number}"})
        for target in targets:
            target.replace_source_output(taken[-1].output(0))
    last = [result for result in model.get_results() if result.get_name() in follows]
    first = [result for result in model.get_results() if result.get_name() not in follows]
    return [openvino.Model([*first, *passed], model.get_parameters()), openvino.Model(last, taken)]


def _sources(node: Any) -> list[Any]:
    return [value.get_node() for value in node.input_values()]


def _targets(node: Any) -> list[Any]:
    return [target.get_node() for output in node.outputs() for target in output.get_target_inputs()]


def _reach(starts: Iterable[Any], neighbours: Callable[[Any], list[Any]]) -> set[str]:
    """Names of all nodes that are reached from `starts`, these included."""
    reached, ahead = {}, list(starts)
    while ahead:
        node = ahead.pop()
        if node.get_name() not in reached:
            reached[node.get_name()] = node
            ahead += neighbours(node)
    return set(reached)
