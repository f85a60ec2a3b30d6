"""A step that was written by `c3n export`: what the file says of itself, and the runtimes that run it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from torch import nn

from c3n_model.config import ModelConfig, from_mapping
from c3n_model.deployment.openvino_network import OpenVinoNetwork
from c3n_model.deployment.winograd_graph import read_for_cpu
from c3n_model.model import Model
from c3n_model.network.answer import Answer

METADATA_KEY = "c3n_step"
INPUTS = ("frame", "snippet", "past", "count")
OUTPUTS = ("probability", "classes", "scores", "summary")
# Names of what ASPP, fusion and decoder read, inside of the graph: V_i^r, and the context of Eq. 14 if there is a fusion.
FEATURES = ("map_1", "map_2", "map_3", "map_4", "context")
SCORES = ("audio_score", "visual_score", "similarity", "consensus", "presence")  # of `network.answer.Answer`
AUDIBLE = "audible"  # the sixth score of a network with a fitted `mask_quality`
CLASSES = ("audio_class", "visual_class")
LARGEST_DIFFERENCE = 1e-3  # of a mask's probability, between torch and a runtime that may be used
# Name of a runtime with its precision -> package, and the extra that installs it.
RUNTIMES = {
    ("onnxruntime", "float32"): "onnxruntime",
    ("openvino", "float32"): "openvino",
    ("openvino", "bfloat16"): "openvino",
}


@dataclass(frozen=True)
class Check:
    """What a runtime computed of the inputs of the check: the largest difference of a mask's probability from torch's, and in
    how many of `inputs` the unified-modal label was the same."""

    inputs: int
    same_labels: int
    mask_difference: float

    @property
    def passed(self) -> bool:
        return self.same_labels == self.inputs and self.mask_difference <= LARGEST_DIFFERENCE

    def __str__(self) -> str:
        return f"same label on {self.same_labels} of {self.inputs} inputs, masks within {self.mask_difference:.1g}"


class ExportedNetwork(nn.Module):
    """Stands for the network in a `Model` that was loaded from an ONNX file. It has no weights in torch.

    past_shape: (T - 1, 2, 4, C') of the graph's input `past`; checks: by runtime and precision, such as "openvino bfloat16".
    """

    def __init__(self, path: Path, description: dict[str, Any]):
        super().__init__()
        self.path = path
        self.fingerprint: str = description["fingerprint"]
        self.past_shape: tuple[int, ...] = tuple(description["past_shape"])
        self.checks = {name: Check(**numbers) for name, numbers in description["checks"].items()}
        self.audio_encoder = _Microphone(description["sample_rate"])


class _Microphone(nn.Module):
    def __init__(self, sample_rate: int):
        super().__init__()
        self.sample_rate = sample_rate


class Runtime(Protocol):
    """Runs one step."""

    def step(self, frame: np.ndarray, snippet: np.ndarray, past: Sequence[np.ndarray]) -> tuple[Answer, np.ndarray]:
        """Segment a frame uint8 (S, S, 3) with its snippet float32 (samples,), given the summaries (2, 4, C') of the seconds
        before; return the answer, and the summary of this second."""
        ...


def load_exported(path: Path) -> Model:
    """Load a file written by `c3n export`. Raises ValueError if it is not one, FileNotFoundError if there is none."""
    import onnx

    try:
        properties = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        description = json.loads(properties[METADATA_KEY])
        config = from_mapping(ModelConfig, description["config"])
        network = ExportedNetwork(path, description)
        labels = [tuple(description[name]) for name in ("audio_labels", "visual_labels")]
    except FileNotFoundError:
        raise
    except Exception as error:  # protobuf's own, and whatever a description can lack
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"{path} is no exported step ({reason}); expected a file written by c3n export") from error
    return Model(path.stem, network.eval(), config, *labels, card=description["card"])


def open_runtime(
    network: nn.Module, runtime: str, *, device: str = "cpu", precision: str = "float32", threads: int | None = None
) -> Runtime:
    """Open a runtime for an exported step; "auto" is onnxruntime. `threads` None leaves their number to the runtime.

    Raises:
        ValueError: the model is no exported step, the runtime is unknown, was not checked or failed its check at export, or
            does not have the device.
        ModuleNotFoundError: the runtime is not installed.
    """
    if not isinstance(network, ExportedNetwork):
        raise ValueError(
            f"runtime {runtime} runs exported steps, this model is a {type(network).__name__}; write one with c3n export"
        )
    runtime = "onnxruntime" if runtime == "auto" else runtime
    name = runtime_name(runtime, precision)
    check = network.checks.get(name)
    if check is None:
        raise ValueError(
            f"{network.path.name} was not checked with {name}; install it, and run c3n export again where it is to be used"
        )
    if not check.passed:
        usable = ", ".join(sorted(name for name, other in network.checks.items() if other.passed)) or "none"
        raise ValueError(
            f"{name} failed its check of {network.path.name}: {check}, expected all labels and {LARGEST_DIFFERENCE}; "
            f"runtimes that passed: {usable}"
        )
    return open_unchecked(network.path, runtime, device=device, precision=precision, threads=threads)


def runtime_name(runtime: str, precision: str) -> str:
    """Name a runtime with its precision as in `ExportedNetwork.checks`. Raises ValueError for one that is not offered."""
    if (runtime, precision) not in RUNTIMES:
        known = ", ".join(" ".join(parts) for parts in RUNTIMES)
        raise ValueError(f"there is no runtime {runtime} in {precision} for an exported step; expected one of {known}")
    return runtime if precision == "float32" else f"{runtime} {precision}"


def open_unchecked(
    path: Path, runtime: str, *, device: str = "cpu", precision: str = "float32", threads: int | None = None
) -> Runtime:
    """Open a runtime whatever its check said. Raises as `open_runtime`."""
    runtime_name(runtime, precision)
    if runtime == "onnxruntime":
        return OnnxRuntimeStep(path, device, threads)
    if device not in ("cpu", "auto"):
        raise ValueError(f"openvino is offered on the CPU only, got device {device}; use onnxruntime or cpu")
    return OpenVinoStep(path, precision, threads)


class OnnxRuntimeStep:
    """An exported step in ONNX Runtime. Raises ValueError if its build lacks the provider for the device."""

    def __init__(self, path: Path, device: str, threads: int | None):
        import onnxruntime

        provider = "CUDAExecutionProvider" if device.startswith("cuda") else "CPUExecutionProvider"
        if provider not in onnxruntime.get_available_providers():
            raise ValueError(f"this build of onnxruntime has no {provider}; install onnxruntime-gpu, or use device cpu")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        graph = str(path) if provider.startswith("CUDA") else read_for_cpu(path)
        self._session = onnxruntime.InferenceSession(graph, options, providers=[provider])
        self._past_shape = tuple(self._session.get_inputs()[INPUTS.index("past")].shape)

    def step(self, frame: np.ndarray, snippet: np.ndarray, past: Sequence[np.ndarray]) -> tuple[Answer, np.ndarray]:
        """As `Runtime.step`."""
        given = (frame, snippet, *_pack(past, self._past_shape))
        return _answer(self._session.run(list(OUTPUTS), dict(zip(INPUTS, given, strict=True))))


class OpenVinoStep:
    """An exported step in OpenVINO on the CPU. In bfloat16 ASPP, fusion and decoder are, and they alone: the encoders, CCAM's gradient
    and C3IM stay float32, so that the label is the same."""

    def __init__(self, path: Path, precision: str, threads: int | None):
        self._network = OpenVinoNetwork(path, precision, threads, FEATURES)
        self._past_shape = self._network.input_shape("past")

    def step(self, frame: np.ndarray, snippet: np.ndarray, past: Sequence[np.ndarray]) -> tuple[Answer, np.ndarray]:
        """As `Runtime.step`."""
        given = (frame, snippet, *_pack(past, self._past_shape))
        found = self._network.run(dict(zip(INPUTS, given, strict=True)))
        return _answer([found(name) for name in OUTPUTS])


def _pack(past: Sequence[np.ndarray], shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The inputs `past` and `count`. Raises ValueError for more seconds than the graph has room for."""
    if len(past) > shape[0]:
        raise ValueError(
            f"the exported step looks back {shape[0]} s, got {len(past)}; use a history of at most {shape[0] + 1}, or "
            "export with a longer one"
        )
    packed = np.zeros(shape, np.float32)
    for slot, summary in enumerate(past):
        packed[slot] = summary
    return packed, np.array(len(past), np.float32)


def _answer(outputs: Sequence[np.ndarray]) -> tuple[Answer, np.ndarray]:
    probability, classes, scores, summary = outputs
    names = (*SCORES, AUDIBLE)[: max(len(scores), len(SCORES))]
    numbers = dict(zip(CLASSES, classes.tolist(), strict=True)) | dict(zip(names, scores.tolist(), strict=True))
    return Answer(probability, **numbers), summary
