"""Write one step of a C3N as an ONNX file, and check it in each runtime that is installed."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import fx

from c3n_model.complete_file import complete_file
from c3n_model.config import to_mapping
from c3n_model.deployment.exported import (
    FEATURES,
    INPUTS,
    METADATA_KEY,
    OUTPUTS,
    RUNTIMES,
    Check,
    Runtime,
    open_unchecked,
    runtime_name,
)
from c3n_model.deployment.step_graph import StepGraph, example_inputs, trace_step
from c3n_model.model import Model
from c3n_model.network.answer import Answer, read_answer
from c3n_model.network.c3n import C3N
from c3n_model.network.prepared import prepare
from c3n_model.preprocess import resize_frames
from c3n_model.progress import Progress, silent

if TYPE_CHECKING:
    import onnx

OPSET = 18

Second = tuple[np.ndarray, np.ndarray]  # frame uint8 (H, W, 3), snippet float32 (samples,)


def export_model(
    model: Model, path: Path, seconds: Sequence[Second], *, history: int | None = None, progress: Progress = silent
) -> dict[str, Check]:
    """Write `path`, and return the checks of all installed runtimes, which the file contains, too.

    The batch is one frame and all shapes are fixed. `seconds` are consecutive frames uint8 (H, W, 3) and snippets float32
    (samples,) to check with, which the model should know: random ones do not show what a runtime rounds away. `history` is T, the most seconds that can be decoded together, at least 2;
    None takes the model's.

    Raises:
        ValueError: the model is not a C3N, or a history below 2.
        ModuleNotFoundError: without onnx and onnxscript.
        OSError: `path` cannot be written.
    """
    import onnx
    import onnxscript  # noqa: F401  # torch's exporter needs it, and says so less plainly

    history = model.config.history if history is None else history
    if not isinstance(model.network, C3N):
        raise ValueError(f"model {model.name} is a {type(model.network).__name__}; only a C3N can be exported")
    if history < 2:
        raise ValueError(f"history must be at least 2 s, got {history}")
    inputs = example_inputs(model, history)
    traced = trace_step(StepGraph(model.network), inputs)
    proto = to_onnx(traced, inputs)
    with tempfile.TemporaryDirectory() as folder:
        unchecked = Path(folder) / "step.onnx"  # some runtimes go by the suffix
        onnx.save(proto, unchecked)
        checks = check_runtimes(model, unchecked, seconds, progress)
    description = _describe(model, tuple(inputs[INPUTS.index("past")].shape), checks)
    onnx.helper.set_model_props(proto, {METADATA_KEY: json.dumps(description)})
    with complete_file(path) as partial:
        onnx.save(proto, partial)
    return checks


def to_onnx(traced: fx.GraphModule, inputs: tuple[torch.Tensor, ...]) -> onnx.ModelProto:
    """Write a trace of `trace_step` as ONNX, in operations of ONNX alone."""
    from onnxscript import ir
    from onnxscript.optimizer import fold_constants

    passes = ir.passes.common
    results = next(iter(traced.graph.find_nodes(op="output"))).args[0]
    names = [*OUTPUTS, *FEATURES][: len(results)]
    with warnings.catch_warnings(), contextlib.redirect_stdout(None):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            traced, inputs, dynamo=True, opset_version=OPSET, input_names=list(INPUTS),
            output_names=names, optimize=False, verbose=False,
        )  # fmt: skip
    assert program is not None
    # What optimize=True does, but for rewriting by patterns: that took a third of an export, and runtimes do it on loading.
    passes.InlinePass()(program.model)
    fold_constants(program.model)  # which makes a Cast of each CastLike
    for step in (
        passes.RemoveUnusedNodesPass(),
        passes.RemoveUnusedFunctionsPass(),
        passes.RemoveUnusedOpsetsPass(),
        passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        passes.DeduplicateInitializersPass(),
        passes.CommonSubexpressionEliminationPass(),
    ):
        step(program.model)
    del program.model.graph.outputs[len(OUTPUTS) :]  # which keeps their names
    return program.model_proto


def check_runtimes(
    model: Model, path: Path, seconds: Sequence[Second], progress: Progress = silent
) -> dict[str, Check]:
    """Compare every installed runtime with torch on the same consecutive seconds."""
    size, history = model.config.image_size, model.config.history
    seconds = [(resize_frames(frame[None], size)[0], snippet) for frame, snippet in seconds]
    expected = list(_stream(TorchStep(model), seconds, history))
    checks = {}
    for runtime, precision in progress([key for key, package in RUNTIMES.items() if _is_installed(package)], "checks"):
        step = open_unchecked(path, runtime, precision=precision)
        found = list(_stream(step, seconds, history))
        checks[runtime_name(runtime, precision)] = compare(expected, found)
    return checks


def compare(expected: list[Answer], found: list[Answer]) -> Check:
    """Compare the answers of two runtimes to the same seconds."""
    pairs = list(zip(expected, found, strict=True))
    same = sum((a.audio_class, a.visual_class) == (b.audio_class, b.visual_class) for a, b in pairs)
    # NaN must not pass as small.
    difference = max(float(np.nan_to_num(np.abs(a.probability - b.probability), nan=np.inf).max()) for a, b in pairs)
    return Check(len(pairs), same, difference)


class TorchStep:
    """The reference for exported steps: `deployment.exported.Runtime` in torch, on the CPU."""

    def __init__(self, model: Model):
        self._network = prepare(model.network)  # type: ignore[arg-type]

    @torch.no_grad()
    def step(self, frame: np.ndarray, snippet: np.ndarray, past: list[np.ndarray]) -> tuple[Answer, np.ndarray]:
        """As `Runtime.step`."""
        network = self._network
        frames = torch.from_numpy(frame).permute(2, 0, 1)[None] / 255
        encoding = network.encode(frames, torch.from_numpy(snippet)[None])
        summary = network.summarise(encoding)
        earlier = [torch.from_numpy(second)[None] for second in past]
        return read_answer(network.decode_newest(encoding, [*earlier, summary])), summary[0].numpy()


def _stream(step: Runtime, seconds: Sequence[Second], history: int) -> Iterator[Answer]:
    """Answer to consecutive seconds, with the history that the step itself has summarised."""
    past: list[np.ndarray] = []
    for frame, snippet in seconds:
        answer, summary = step.step(frame, snippet, past)
        past = [*past, summary][-(history - 1) :] if history > 1 else []
        yield answer


def _describe(model: Model, past_shape: tuple[int, ...], checks: dict[str, Check]) -> dict:
    return {
        "config": to_mapping(model.config),
        "audio_labels": model.audio_labels,
        "visual_labels": model.visual_labels,
        "card": model.card,
        "fingerprint": model.fingerprint,
        "sample_rate": model.sample_rate,
        "past_shape": past_shape,
        "checks": {name: asdict(check) for name, check in checks.items()},
    }


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
