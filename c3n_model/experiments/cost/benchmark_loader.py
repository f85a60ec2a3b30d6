"""Compare the throughput of the training loader with that of the training step, in clips per second."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import ConcatDataset, DataLoader, default_collate

from c3n_model.config import ModelConfig, TrainConfig
from c3n_model.data.avsbench import AVSBench, settings_below
from c3n_model.data.clip_files import ClipPaths, read_mask, read_snippets
from c3n_model.experiments.cost.benchmark import Clock, Run, Spread, Timing, time_run
from c3n_model.labels.names import AUDIOSET_CLASSES, IMAGENET_CLASSES
from c3n_model.network.c3n import C3N
from c3n_model.preprocess import frames_to_tensor
from c3n_model.progress import Progress
from c3n_model.sources.picture_files import read_picture
from c3n_model.training.clips import Key, TrainingClips
from c3n_model.training.loop import set_training_mode
from c3n_model.training.optimisation import Optimisation
from c3n_model.weights.checkpoint import build_network

WORKERS = (0, 1, 2, 4, 8, 16, 32)
BATCHES_PER_WORKER = 4  # timed batches, after one warm-up batch per worker


@dataclass(frozen=True)
class LoaderBenchmark:
    """Results, one value per round.

    parts: seconds per clip (mean over a batch) of the loader's parts in one process: decoding images and sound, conversion to
    tensors; `clip`, all of them with augmentation and batching; and last the front end of the audio encoder on the device,
    which belongs to the training step.
    loading: clips per second by number of workers.
    step: seconds per update on a batch that is already on the device.
    """

    clips: int
    batch_size: int
    parts: tuple[Timing, ...]
    loading: dict[int, np.ndarray]
    step: Timing

    @property
    def step_rate(self) -> float:
        """Clips per second of the training step, from its median duration."""
        return self.batch_size / Spread.of(self.step.seconds).median


def benchmark_loader(
    data: Path, model: ModelConfig, train: TrainConfig, device: torch.device, rounds: int, progress: Progress,
    *, clock: Clock = time.perf_counter,
) -> LoaderBenchmark:  # fmt: skip
    """Time the loader of `c3n train` on the training clips in `data`, and the training step.

    Loads clips even if `cache_features` is set. The weights are random, which does not affect the duration of a step. Each
    round measures everything once; a first round is not counted.

    Raises:
        FileNotFoundError: no clips.
        ValueError: less than one round, an invalid config, or unreadable clips.
    """
    if rounds < 1:
        raise ValueError(f"the number of rounds is {rounds}; expected at least 1")
    network = build_network(model, torch.ones(AUDIOSET_CLASSES, IMAGENET_CLASSES)).to(device)
    rate = network.audio_encoder.sample_rate
    datasets = [AVSBench(data, setting, "train", rate) for setting in settings_below(data)]
    clips = TrainingClips(ConcatDataset(datasets), model.image_size, train)
    keys = _random_batch(np.random.default_rng(train.seed), clips, train)
    batch = [part.to(device) for part in default_collate([clips[key] for key in keys])]
    parts = _loader_parts(datasets, model.image_size, rate, train.batch_size, train.seed)
    parts["clip"] = lambda: default_collate([clips[key] for key in keys])
    parts["front end"] = _front_end(network, batch[1])
    step = _step(network, train, batch, device)
    seconds: dict[str, list[float]] = {name: [] for name in (*parts, "step")}
    rates: dict[int, list[float]] = {workers: [] for workers in WORKERS if workers <= _cores()}
    for number in progress(range(1 + rounds), "rounds"):
        for name, run in {**parts, "step": step}.items():
            seconds[name].append(time_run(run, device, clock))
        for workers, measured in rates.items():
            measured.append(
                _loading_rate(clips, train, workers, seed=number, pin_memory=device.type == "cuda", clock=clock)
            )
    return LoaderBenchmark(
        clips=len(clips),
        batch_size=train.batch_size,
        parts=tuple(Timing(name, np.array(seconds[name][1:]) / train.batch_size) for name in parts),
        loading={workers: np.array(measured[1:]) for workers, measured in rates.items()},
        step=Timing("step", np.array(seconds["step"][1:])),
    )


def _loader_parts(datasets: list[AVSBench], image_size: int, rate: int, count: int, seed: int) -> dict[str, Run]:
    """Return the parts of loading `count` clips, as functions to be timed."""
    paths = [paths for clips in datasets for paths in clips.clips]
    chosen = [paths[index] for index in np.random.default_rng(seed).integers(len(paths), size=count)]
    frames = [np.stack([read_picture(path) for path in files.frames]) for files in chosen]
    return {
        "png to pixels": lambda: [_read_pictures(files) for files in chosen],
        "pixels to tensors": lambda: [frames_to_tensor(pictures, image_size) for pictures in frames],
        "wav to samples": lambda: [read_snippets(files.wav, rate) for files in chosen],
    }


def _read_pictures(paths: ClipPaths) -> None:
    for path in paths.frames:
        size = read_picture(path).shape[:2]
    for path in paths.masks:
        read_mask(path, size)


def _front_end(network: C3N, snippets: torch.Tensor) -> Run:
    @torch.no_grad()
    def run() -> None:
        network.audio_encoder.front_end(snippets.flatten(0, 1))

    return run


def _step(network: C3N, train: TrainConfig, batch: list[torch.Tensor], device: torch.device) -> Run:
    """Return an update of `c3n train`, always on the same batch."""
    optimisation = Optimisation(network, train, device, steps=train.epochs)
    set_training_mode(network)
    micro_batches = [[tensor[first :: train.accumulate] for tensor in batch] for first in range(train.accumulate)]
    return lambda: optimisation.update(micro_batches)


def _loading_rate(
    clips: TrainingClips, train: TrainConfig, workers: int, *, seed: int, pin_memory: bool, clock: Clock
) -> float:
    """Measure the clips per second of a loader whose workers are running, without using the clips."""
    burst = max(workers, 1)  # batches arrive in bursts of this size
    batches = BATCHES_PER_WORKER * burst
    random = np.random.default_rng([train.seed, seed])
    order = [_random_batch(random, clips, train) for _ in range(2 * burst + batches)]
    loader = iter(DataLoader(clips, batch_sampler=order, num_workers=workers, pin_memory=pin_memory))
    for _ in range(burst):
        next(loader)
    start = clock()
    for _ in range(batches):
        next(loader)
    return batches * train.batch_size / (clock() - start)


def _random_batch(random: np.random.Generator, clips: TrainingClips, train: TrainConfig) -> list[Key]:
    return [(1, int(index)) for index in random.integers(len(clips), size=train.batch_size)]


def _cores() -> int:
    """Return the number of CPU cores available to this process."""
    return len(os.sched_getaffinity(0))
