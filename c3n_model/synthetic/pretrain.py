"""Pretrain the two classifiers of the synthetic world on labels alone, as is done with ImageNet and AudioSet.

C3N starts from classifiers. As in ImageNet, the images of the visual one have a single label, even if they show several
objects; as in AudioSet, the snippets of the audio one contain no, one or two sounds and have several labels. The
classification heads are frozen afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset

from c3n_model.config import ModelConfig, PretrainConfig, to_mapping
from c3n_model.model import Model
from c3n_model.network.consensus import label_similarity
from c3n_model.preprocess import frames_to_tensor, snippet_from_samples
from c3n_model.progress import Progress
from c3n_model.synthetic import scenes, world
from c3n_model.weights.checkpoint import build_network

DEMO_NOTE = (
    "Trained on synthetic scenes of eight invented objects. It demonstrates that every part works; "
    "it does not model the world and recognises no real object."
)


def pretrain_classifiers(
    name: str, model: ModelConfig, config: PretrainConfig, progress: Progress, *, workers: int = 1
) -> Model:
    """Train both classifiers of the synthetic world, in a C3N whose other parts stay random."""
    audio, visual = (torch.from_numpy(table) for table in world.label_embeddings())
    torch.manual_seed(config.seed)
    network = build_network(model, label_similarity(audio, visual))
    network.requires_grad_(True)  # including the heads, which are frozen by default
    losses = {
        "audio": pretrain_audio(network.audio_encoder, config, progress, workers=workers),
        "visual": pretrain_visual(network.visual_encoder, model.image_size, config, progress, workers=workers),
    }
    card = {"note": DEMO_NOTE, "pretrain": to_mapping(config), "losses": losses}
    return Model(name, network, model, world.AUDIO_LABELS, world.VISUAL_LABELS, card)


class Pictures(IterableDataset):
    """Endless (frame (3, S, S) in [0, 1], label) pairs, only of single objects if `alone`; every worker draws its own."""

    def __init__(self, image_size: int, seed: int, *, alone: bool = False):
        self.image_size, self.seed, self.alone = image_size, seed, alone

    def __iter__(self) -> Iterator[tuple[Tensor, int]]:
        random = _worker_random(self.seed, stream=0)
        while True:
            label = int(random.integers(len(world.VISUAL_LABELS)))
            picture = scenes.labelled_picture(label, random, self.image_size, alone=self.alone)
            yield frames_to_tensor(picture[None], self.image_size)[0], label


class Snippets(IterableDataset):
    """Endless (snippet (sample_rate,), multi-hot labels (K_a,)) pairs with no, one or two sounds."""

    def __init__(self, sample_rate: int, seed: int):
        self.sample_rate, self.seed = sample_rate, seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        random = _worker_random(self.seed, stream=1)
        while True:
            count = random.choice([0, 1, 2], p=[0.15, 0.6, 0.25])
            labels = random.choice(len(world.SOUNDS), size=count, replace=False)
            samples = world.room_noise(1.0, random) + sum(world.make_sound(int(k), 1.0, random) for k in labels)
            target = torch.zeros(len(world.AUDIO_LABELS))
            target[labels if count else -1] = 1.0
            snippet = snippet_from_samples(np.clip(samples, -1, 1)[:, None], world.SAMPLE_RATE, self.sample_rate)
            yield torch.from_numpy(snippet), target


def pretrain(
    classify: Callable[[Tensor], Tensor], network: nn.Module, examples: IterableDataset, loss: Callable,
    *, steps: int, config: PretrainConfig, progress: Progress, title: str, workers: int = 1, precision: str = "float32",
) -> float:  # fmt: skip
    """Train `network` so that `classify(batch)` predicts the labels of `examples`.

    Returns the mean loss over the last tenth of the steps.
    """
    torch.manual_seed(config.seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, total_steps=steps, pct_start=0.15)
    loader = iter(DataLoader(examples, batch_size=config.batch_size, num_workers=workers))
    losses = []
    network.train().to(memory_format=torch.channels_last)  # at least a third faster on a CPU
    for _ in progress(range(steps), title):
        batch, target = next(loader)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            logits = classify(batch)
        value = loss(logits.float(), target)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        optimiser.step()
        schedule.step()
        losses.append(value.item())
    network.eval().to(memory_format=torch.contiguous_format)
    return float(np.mean(losses[-max(1, steps // 10) :]))


def pretrain_visual(
    encoder: nn.Module, image_size: int, config: PretrainConfig, progress: Progress, *, workers: int = 1
) -> float:
    return pretrain(
        lambda frames: encoder(frames)[1], encoder, Pictures(image_size, config.seed, alone=config.visual_alone),
        F.cross_entropy, steps=config.visual_steps, config=config, progress=progress, title="visual classifier",
        workers=workers, precision=config.visual_precision,
    )  # fmt: skip


def pretrain_audio(encoder: nn.Module, config: PretrainConfig, progress: Progress, *, workers: int = 1) -> float:
    return pretrain(
        lambda snippets: encoder(snippets)[1], encoder, Snippets(encoder.sample_rate, config.seed),
        F.binary_cross_entropy_with_logits, steps=config.audio_steps, config=config, progress=progress,
        title="audio classifier", workers=workers,
    )  # fmt: skip


def _worker_random(seed: int, stream: int) -> np.random.Generator:
    worker = torch.utils.data.get_worker_info()
    return np.random.default_rng([seed, 77, stream, worker.id if worker else 0])
