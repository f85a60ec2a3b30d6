"""A complete training run and its files.

    OUT                              the model of the best epoch by validation score
    OUT.training/state.safetensors   the state to resume from; removed at the end
    OUT.training/run.json            config, environment, history, and whether it is `finished`
    OUT.training/tensorboard/        loss, validation score, and one clip's masks after each epoch

A run that is interrupted at any time and called again with the same arguments resumes and ends with the same weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import ConcatDataset, Dataset
from torch.utils.tensorboard import SummaryWriter

from c3n_model.complete_file import complete_file
from c3n_model.config import TrainConfig, to_mapping
from c3n_model.data.clip_files import CLIP_FRAMES
from c3n_model.environment import describe_environment
from c3n_model.files.outputs import locked
from c3n_model.model import Model
from c3n_model.pictures.overlay import contact_sheet, draw_mask
from c3n_model.progress import Progress
from c3n_model.scoring.evaluate import evaluate, predict
from c3n_model.training.cached_validation import cached_miou
from c3n_model.training.clips import TrainingClips
from c3n_model.training.distributed import SINGLE_PROCESS, Group
from c3n_model.training.features import CachedFeatures, cache_features
from c3n_model.training.identity import identity
from c3n_model.training.loop import train
from c3n_model.training.short_clips import ShortClips
from c3n_model.training.state import TrainingState
from c3n_model.types import Clip
from c3n_model.weights.checkpoint import load_checkpoint, save_model


def fit_model(
    model: Model, splits: dict[str, list[Dataset]], config: TrainConfig, device: torch.device, out: Path,
    progress: Progress, *, workers: int = 1, group: Group = SINGLE_PROCESS, features: Path | None = None,
) -> Model:  # fmt: skip
    """Train `model` on `splits["train"]`, save the epoch with the best mean mIoU on `splits["val"]` to `out`, and return it.

    Resumes an interrupted training; loads the model of a finished one. `features` is the folder of cached features, by
    default the folder `features` next to `out`, which the trainings there share.

    Raises:
        ValueError: as in `loop.train`; `out` is the result of another training.
        BlockingIOError: another process trains into `out`.
    """
    with locked(out.with_name(f"{out.name}.training")) if group.is_main else nullcontext():
        return _fit(model, splits, config, device, out, progress, workers, group, features)


def _fit(
    model: Model, splits: dict[str, list[Dataset]], config: TrainConfig, device: torch.device, out: Path,
    progress: Progress, workers: int, group: Group, features: Path | None,
) -> Model:  # fmt: skip
    folder = out.with_name(f"{out.name}.training")
    run = {"model": to_mapping(model.config), "train": to_mapping(config), "clips": _describe(splits)}
    if _is_finished(folder / "run.json", run, out):
        return load_checkpoint(out)
    about = {"model": identity(run["model"]), "clips": run["clips"]}
    state = TrainingState(folder / "state.safetensors", about)
    folder.mkdir(parents=True, exist_ok=True)
    write = _writer(folder / "run.json", run) if group.is_main else lambda **more: None
    write(finished=False, history=[])
    with SummaryWriter(folder / "tensorboard") if group.is_main else _NoWriter() as board:

        def validate() -> float:
            board.add_image("validation", _picture(model, splits["val"][0][0], device), dataformats="HWC")
            return float(np.mean([score(clips) for clips in held_out]))

        def score(clips: Any) -> float:
            if isinstance(clips, CachedFeatures):
                return cached_miou(model, clips, device, progress)
            return evaluate(model, clips, device, progress).summary()["batch_independent"]["miou"]

        def keep(history: list[dict]) -> None:
            card = {**model.card, "history": history, "train": run["train"]}
            save_model(out, replace(model, name=out.stem, card=card))
            write(finished=False, history=history)

        features = features or out.parent / "features"
        clips = _training_clips(model, splits["train"], config, device, features, progress, group)
        held_out = _held_out(model, splits["val"], config, device, features, progress, group)
        history = train(
            model.network, clips, config, device, validate=validate, keep=keep, progress=progress, state=state,
            record=board.add_scalar, group=group, workers=workers,
        )  # fmt: skip
    write(finished=True, history=history)
    group.wait()
    if group.is_main:
        state.path.unlink(missing_ok=True)
    return load_checkpoint(out)


def _training_clips(
    model: Model, datasets: list, config: TrainConfig, device: torch.device, features: Path, progress: Progress,
    group: Group,
) -> Dataset:  # fmt: skip
    clips: Dataset
    if config.cache_features:
        model.network.visual_encoder.requires_grad_(False)
        clips = cache_features(
            model, datasets, features, device, progress, flip=config.flip, seed=config.seed, group=group
        )
    else:
        clips = TrainingClips(ConcatDataset(datasets), model.config.image_size, config, model.config.snippet_spacing_s)
    return ShortClips(clips, model.config.history, config.seed) if model.config.history < CLIP_FRAMES else clips


def _held_out(
    model: Model, datasets: list, config: TrainConfig, device: torch.device, features: Path, progress: Progress,
    group: Group,
) -> list:  # fmt: skip
    """Return what each validation set is scored on: with cached features these, of frames as they are."""
    if not config.cache_features:
        return datasets
    return [
        cache_features(model, [clips], features, device, progress, flip=False, seed=config.seed, group=group)
        for clips in datasets
    ]


def _describe(splits: dict[str, list]) -> dict:
    return {split: {clips.setting: len(clips) for clips in datasets} for split, datasets in splits.items()}


def _is_finished(path: Path, run: dict, out: Path) -> bool:
    """Check for a finished run. Raises ValueError if `out` is the result of another training."""
    if not path.is_file() or not out.is_file():
        return False
    former = json.loads(path.read_text(encoding="utf-8"))
    if not former.get("finished"):
        return False
    for part in run:
        before, now = identity(former[part]), identity(run[part])
        changed = [key for key in {**now, **before} if before.get(key) != now.get(key)]
        if changed:
            raise ValueError(
                f"{out} was trained with {part}.{changed[0]} = {former[part].get(changed[0])}, which is now "
                f"{run[part].get(changed[0])}; choose another file, or remove {path.parent} to train again"
            )
    return True


def _writer(path: Path, run: dict) -> Callable[..., None]:
    environment = describe_environment()

    def write(**more) -> None:
        text = json.dumps({**run, "environment": environment, **more}, indent=2) + "\n"
        with complete_file(path) as partial:
            partial.write_text(text, encoding="utf-8")

    return write


def _picture(model: Model, clip: Clip, device: torch.device) -> np.ndarray:
    """Draw the network's current masks of a clip, RGB uint8 (H, W, 3)."""
    probabilities, _ = predict(model, clip.frames, clip.snippets, device)
    masks = probabilities > 0.5
    pictures = [draw_mask(frame, mask) for frame, mask in zip(clip.frames, masks, strict=True)]
    return contact_sheet(pictures, [f"{second} s" for second in range(len(pictures))], columns=5, cell_width=224)


class _NoWriter:
    """A SummaryWriter that writes nothing, for processes other than the main one."""

    def __enter__(self) -> _NoWriter:
        return self

    def __exit__(self, *_) -> None:
        pass

    def add_scalar(self, *_) -> None:
        pass
