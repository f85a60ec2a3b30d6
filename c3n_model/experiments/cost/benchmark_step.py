"""Time one second of a stream against its alternatives, all in one run and interleaved, and its parts.

Each round runs everything once, so that other load and the machine's temperature affect all alike; results are ratios within a
round. They are measured twice: CPU time of the process with one thread, and wall time with all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from c3n_model.deployment.exported import RUNTIMES, load_exported, open_runtime, runtime_name
from c3n_model.experiments.cost.benchmark import Run, Spread, Timing, time_run
from c3n_model.experiments.cost.describe import count_macs
from c3n_model.experiments.cost.machine import measure_peak, measure_peaks
from c3n_model.experiments.cost.naive_form import run_naive_clip
from c3n_model.model import Model
from c3n_model.network.c3n import C3N
from c3n_model.network.fusion import join_contributions
from c3n_model.network.prepared import prepare
from c3n_model.preprocess import frames_to_tensor, resize_frames
from c3n_model.progress import Progress
from c3n_model.streaming.session import Session
from c3n_model.types import NANOSECONDS_PER_SECOND, Frame, Window
from c3n_model.weights.checkpoint import build_network

CAMERA = (480, 640)  # height and width of the frames that a step gets
REFERENCE = "step"


@dataclass(frozen=True)
class Part:
    """A part of the step: seconds by round, and its multiply-accumulates."""

    timing: Timing
    macs: int


@dataclass(frozen=True)
class StepBenchmark:
    """Results of `benchmark_step`.

    cpu_seconds, wall_seconds: by alternative, one value a round; peak_bytes: memory above what was loaded before;
    parts: of the step, by CPU time with one thread; peaks: GMAC/s that this machine reaches in one thread, by operation.
    """

    cpu_seconds: dict[str, np.ndarray]
    wall_seconds: dict[str, np.ndarray]
    peak_bytes: dict[str, int]
    parts: dict[str, Part]
    peaks: dict[str, float]

    def ratios(self, *, wall: bool = False) -> dict[str, Spread]:
        """Time of each alternative relative to the step, with quartiles over the rounds."""
        seconds = self.wall_seconds if wall else self.cpu_seconds
        return {name: Spread.of(values / seconds[REFERENCE]) for name, values in seconds.items() if name != REFERENCE}


@torch.no_grad()
def benchmark_step(
    model: Model, device: torch.device, rounds: int, progress: Progress,
    *, tpavi: Mapping[str, Any], exported: Path | None = None,
) -> StepBenchmark:  # fmt: skip
    """Time the step of a C3N on random input; see `StepBenchmark`.

    `tpavi` are the settings that make a C3N the TPAVI baseline (`experiments.paper.baselines`); `exported` is the same model as
    written by `c3n export`.

    Raises:
        ValueError: the model is not a C3N, less than one round, or `exported` was made from another model.
    """
    if not isinstance(model.network, C3N):
        raise ValueError(f"model {model.name} is a {type(model.network).__name__}; expected a C3N")
    if rounds < 1:
        raise ValueError(f"the number of rounds is {rounds}; expected at least 1")
    model.network.to(device).eval()
    threads = torch.get_num_threads()
    with _threads(1):
        runs = alternatives(model, device, tpavi, exported, threads=1)
        for run in runs.values():
            run()
        peak_bytes = {name: measure_peak(run, device) for name, run in runs.items()}
        cpu = _time_rounds(runs, rounds, device, progress, "one thread", time.process_time)
        parts = _time_parts(model, device, rounds)
        peaks = measure_peaks(device)
    runs = alternatives(model, device, tpavi, exported, threads=threads)
    for run in runs.values():
        run()
    wall = _time_rounds(runs, rounds, device, progress, f"{threads} threads", time.perf_counter)
    return StepBenchmark(cpu, wall, peak_bytes, parts, peaks)


def alternatives(
    model: Model, device: torch.device, tpavi: Mapping[str, Any], exported: Path | None, threads: int
) -> dict[str, Run]:
    """The step and what it is compared with, as functions that take no argument."""
    network, config = model.network, model.config
    assert isinstance(network, C3N)
    frames, snippets = _random_clip(model)
    inputs = frames_to_tensor(frames, config.image_size, device), torch.from_numpy(snippets).to(device)
    clip = tuple(part[None] for part in inputs)
    fast, baseline = prepare(network), _with_settings(model, tpavi, device)
    fast.to(device)
    runs: dict[str, Run] = {
        REFERENCE: _stepper(Session(model, str(device)), frames, snippets),
        "clip": lambda: fast(*clip),
        "naive": lambda: run_naive_clip(network, *inputs),
        "tpavi": lambda: run_naive_clip(baseline, *inputs),
        "backbone": lambda: network.visual_encoder(inputs[0][:1]),
    }
    try:
        session = Session(model, str(device), precision="bfloat16")
    except ValueError:
        pass  # this device has none
    else:
        rounded = prepare(network, precision="bfloat16").to(device)
        runs |= {"step bfloat16": _stepper(session, frames, snippets), "clip bfloat16": lambda: rounded(*clip)}
    return runs | _exported_runs(model, exported, frames, snippets, device, threads)


def _exported_runs(
    model: Model, exported: Path | None, frames: np.ndarray, snippets: np.ndarray, device: torch.device, threads: int
) -> dict[str, Run]:
    if exported is None:
        return {}
    loaded = load_exported(exported)
    if loaded.fingerprint != model.fingerprint:
        raise ValueError(f"{exported} was made from other weights than {model.name}; run c3n export again")
    runs: dict[str, Run] = {}
    for runtime, precision in RUNTIMES:
        name = runtime_name(runtime, precision)
        check = loaded.network.checks.get(name)  # type: ignore[operator, union-attr]
        if check is not None and check.passed:
            step = open_runtime(loaded.network, runtime, device=device.type, precision=precision, threads=threads)
            past = [np.zeros(loaded.network.past_shape[1:], np.float32)] * (model.config.history - 1)  # type: ignore[index]
            runs[name] = (
                lambda step=step, past=past: step.step(  # type: ignore[misc]
                    resize_frames(frames[-1:], model.config.image_size)[0], snippets[-1], past
                )
            )
    return runs


def _stepper(session: Session, frames: np.ndarray, snippets: np.ndarray) -> Run:
    """Step a session by one new second after another; its history fills in the first ones."""
    second = 0

    def step() -> None:
        nonlocal second
        index, start_ns = second % len(frames), second * NANOSECONDS_PER_SECOND
        session.step(Window(start_ns, Frame(frames[index], start_ns + 1), snippets[index]))
        second += 1

    for _ in frames:
        step()
    return step


def _with_settings(model: Model, settings: Mapping[str, Any], device: torch.device) -> C3N:
    """A network of the same size with other settings and random weights."""
    config = replace(model.config, **settings)  # type: ignore[type-var]
    return build_network(config, model.network.similarity.cpu()).to(device).eval()  # type: ignore[arg-type, union-attr]


def _time_parts(model: Model, device: torch.device, rounds: int) -> dict[str, Part]:
    """Time the parts of a step one after the other, in each round."""
    network = prepare(model.network).to(device)  # type: ignore[arg-type]
    frames, snippets = _random_clip(model)
    frame, snippet = (
        frames_to_tensor(frames[-1:], model.config.image_size, device),
        torch.from_numpy(snippets[-1:]).to(device),
    )
    encoding = network.encode(frame, snippet)
    summary = network.summarise(encoding)
    context = join_contributions(torch.cat([summary] * model.config.history)[None])
    maps = [pyramid(stage) for pyramid, stage in zip(network.pyramids, encoding.visual)]
    fused = [fusion(*pair) for fusion, *pair in zip(network.fusions, maps, context.unbind(dim=1))] or maps
    audio_logits = encoding.audio_logits
    runs: dict[str, Run] = {
        "resize and normalise": lambda: frames_to_tensor(frames[-1:], model.config.image_size, device),
        "audio encoder": lambda: network.audio_encoder(snippet),
        "visual encoder": lambda: network.visual_encoder(frame),
        "C3IM": lambda: network.infer(audio_logits, encoding.visual_logits),
        "both encoders, C3IM and CCAM": lambda: network.encode(frame, snippet),
        "summary": lambda: network.summarise(encoding),
        "ASPP": lambda: [pyramid(stage) for pyramid, stage in zip(network.pyramids, encoding.visual)],
        "fusion": lambda: [fusion(*pair) for fusion, *pair in zip(network.fusions, maps, context.unbind(dim=1))],
        "decoder": lambda: network.decoder(fused, encoding.size),
    }
    seconds = {
        name: [time_run(run, device, time.process_time) for _ in range(rounds + 1)][1:] for name, run in runs.items()
    }
    return {name: Part(Timing(name, np.array(seconds[name])), count_macs(run)) for name, run in runs.items()}


def _time_rounds(
    runs: dict[str, Run], rounds: int, device: torch.device, progress: Progress, title: str, clock
) -> dict[str, np.ndarray]:
    """Time everything once a round, beginning with another one each time."""
    names = list(runs)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in progress(range(rounds), title):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            seconds[name].append(time_run(runs[name], device, clock))
    return {name: np.array(values) for name, values in seconds.items()}


def _random_clip(model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Frames uint8 (T, H, W, 3) and snippets float32 (T, samples)."""
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (model.config.history, *CAMERA, 3), dtype=np.uint8)
    return frames, random.normal(0, 0.1, (model.config.history, model.sample_rate)).astype(np.float32)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
