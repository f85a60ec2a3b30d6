"""Trainings and their scores, cached in a folder.

    NAME_DIGEST.safetensors              the best epoch (fit_model keeps the training state next to it)
    NAME_DIGEST.test.json                its scores, also .val.json, and with noise .test.audio-10dB.json
    features/, scenes_*, classifier_*    files shared by trainings

Existing results are reused and interrupted trainings are resumed. The digest covers everything that determines a training.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch

from c3n_model.complete_file import complete_file
from c3n_model.config import digest, to_mapping
from c3n_model.data.avsbench import AVSBench
from c3n_model.experiments.paper.noise import add_audio_noise, add_visual_noise
from c3n_model.experiments.paper.plans import Noise
from c3n_model.experiments.paper.recipes import Experiment
from c3n_model.experiments.paper.sources import Source
from c3n_model.files.outputs import locked
from c3n_model.model import Model
from c3n_model.progress import Progress
from c3n_model.scoring.evaluate import evaluate
from c3n_model.training.identity import identity
from c3n_model.training.run import fit_model
from c3n_model.training.thresholds import with_fitted_thresholds

NOISE_SEED = 0
_ADD_NOISE = {"audio": add_audio_noise, "visual": add_visual_noise}


@dataclass(frozen=True)
class Job:
    """A training, and its scoring on a split, with or without noise."""

    experiment: Experiment
    split: str
    noise: Noise | None = None


@dataclass(frozen=True)
class Runs:
    """The folder of all trainings from one source. `workers` is the number of data loader processes."""

    folder: Path
    source: Source
    device: torch.device
    workers: int = 1
    _stems: dict = field(default_factory=dict, compare=False, repr=False)

    def do(self, jobs: Iterable[Job], progress: Progress) -> None:
        """Train and score the jobs that have no scores yet. Raises BlockingIOError if another process uses the folder."""
        with locked(self.folder):
            self._do(jobs, progress)

    def _do(self, jobs: Iterable[Job], progress: Progress) -> None:
        pending: dict[Experiment, list[Job]] = {}
        for job in dict.fromkeys(jobs):
            if not self._scores_path(job).is_file():
                pending.setdefault(job.experiment, []).append(job)
        start = time.monotonic()
        for number, (experiment, its_jobs) in enumerate(pending.items(), start=1):
            left = (time.monotonic() - start) / max(number - 1, 1) * (len(pending) - number + 1)
            estimate = f", about {left / 60:.0f} min left" if number > 1 else ""
            titled = _titled(progress, f"run {number} of {len(pending)}{estimate}: {experiment.name}")
            self._train_and_score(experiment, its_jobs, titled)

    def model(self, experiment: Experiment, progress: Progress) -> Model:
        """Train the model, or load it if it is already trained."""
        untrained = self.source.untrained(experiment, progress)
        splits = {split: [self.clips(experiment.setting, split, untrained)] for split in ("train", "val")}
        model = fit_model(
            untrained, splits, experiment.train, self.device, self._stem(experiment, ".safetensors"), progress,
            workers=self.workers,
        )  # fmt: skip
        return (
            with_fitted_thresholds(model, splits["val"], self.device, progress)
            if experiment.train.fit_thresholds
            else model
        )

    def clips(self, setting: str, split: str, model: Model) -> AVSBench:
        return AVSBench(self.source.root, setting, split, model.sample_rate)

    def scores(self, job: Job) -> dict:
        """Read the scores of `job`: summary, clip_ious and by_category of `evaluation.Evaluation`, and the times [s]."""
        return json.loads(self._scores_path(job).read_text(encoding="utf-8"))

    def _train_and_score(self, experiment: Experiment, jobs: Sequence[Job], progress: Progress) -> None:
        start = time.monotonic()
        model = self.model(experiment, progress)
        trained = time.monotonic()
        for job in jobs:
            scored = time.monotonic()
            alter = None if job.noise is None else _altering(job.noise)
            evaluation = evaluate(
                model, self.clips(experiment.setting, job.split, model), self.device, progress, alter=alter
            )
            scores = {
                "summary": evaluation.summary(batch_size=1),
                "clip_ious": evaluation.clip_ious().tolist(),
                "by_category": evaluation.by_category(batch_size=1) if experiment.setting == "s4" else {},
                "training_seconds": trained - start,
                "scoring_seconds": time.monotonic() - scored,
            }
            with complete_file(self._scores_path(job)) as partial_file:
                partial_file.write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")

    def _scores_path(self, job: Job) -> Path:
        noise = "" if job.noise is None else f".{job.noise.kind}{job.noise.snr_db:+g}dB"
        return self._stem(job.experiment, f".{job.split}{noise}.json")

    def _stem(self, experiment: Experiment, suffix: str) -> Path:
        if experiment not in self._stems:
            about = {
                "model": identity(to_mapping(experiment.model)),
                "train": identity(to_mapping(experiment.train)),
                **self.source.identity(experiment),
            }
            self._stems[experiment] = f"{experiment.name}_{digest(about)}"
        return self.folder / f"{self._stems[experiment]}{suffix}"


def _altering(noise: Noise) -> Callable:
    return partial(_ADD_NOISE[noise.kind], snr_db=noise.snr_db, seed=NOISE_SEED)


def _titled(progress: Progress, prefix: str) -> Progress:
    return lambda items, title: progress(items, f"{prefix}: {title}")
