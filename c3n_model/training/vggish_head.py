"""Train an AudioSet classification head for VGGish on AudioSet's released embeddings.

The public VGGish ends at its embedding, and the head of C3N's authors was never published. The training follows Kong et al.
("Weakly labelled AudioSet tagging with attention neural networks", TASLP 2019): class-balanced batches, binary cross
entropy, Adam at 1e-3. The authors' file is called `md_50000_iters.pth`, hence the default number of steps.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import Tensor
from torch.nn import functional as F

from c3n_model.network.audio.vggish import AttentionHead, rescale_levels
from c3n_model.progress import Progress
from c3n_model.training.audioset_embeddings import LabelledBags

LEARNING_RATE = 1e-3
EVALUATION_BATCH = 1000


def train_head(
    bags: LabelledBags, *, steps: int, batch_size: int, device: torch.device, seed: int, progress: Progress
) -> tuple[AttentionHead, float]:
    """Train a head on `steps` balanced batches; return it in eval mode, with its mean loss over the last tenth of the steps.

    Raises ValueError for fewer than one step or two clips per batch (batch statistics need two).
    """
    if steps < 1 or batch_size < 2:
        raise ValueError(f"expected at least 1 step of 2 clips, got {steps} steps of {batch_size}")
    torch.manual_seed(seed)
    head = AttentionHead(bags.labels.shape[1]).to(device).train()
    optimiser = torch.optim.Adam(head.parameters(), lr=LEARNING_RATE)
    batches = balanced_batches(bags.labels, batch_size, np.random.default_rng(seed))
    losses = []
    for _ in progress(range(steps), "training"):
        clips = next(batches)
        target = torch.from_numpy(bags.labels[clips]).float().to(device)
        loss = F.binary_cross_entropy_with_logits(head(_inputs(bags, clips, device)), target)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        losses.append(loss.detach())
    return head.eval(), torch.stack(losses[-max(1, steps // 10) :]).mean().item()


def balanced_batches(labels: np.ndarray, batch_size: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield batches of clip indices (batch_size,) endlessly, in which all classes are equally frequent.

    As in Kong et al., classes are drawn without replacement in random order, and for each class its next clip, also without
    replacement in random order. AudioSet's frequent classes have thousands of times as many clips as its rare ones.

    Args:
        labels: bool (N, K). Classes without clips are skipped.

    Raises:
        ValueError: no class has clips.
    """
    clips_of = [np.flatnonzero(column) for column in labels.T]
    present = [index for index, clips in enumerate(clips_of) if len(clips)]
    if not present:
        raise ValueError("no clip has a label; there is nothing to train on")
    next_clips = {index: _reshuffled(clips_of[index], random) for index in present}
    classes = _reshuffled(np.array(present), random)
    while True:
        yield np.array([next(next_clips[next(classes)]) for _ in range(batch_size)])


def _reshuffled(items: np.ndarray, random: np.random.Generator) -> Iterator[int]:
    while True:
        yield from random.permutation(items).tolist()


def evaluate_head(
    head: AttentionHead, bags: LabelledBags, device: torch.device, progress: Progress
) -> dict[str, float]:
    """Compute `map` (mean average precision) and `auc` (mean area under the ROC curve) over `classes` classes.

    Only classes with both positive and negative clips count; `clips` is the number of clips. Raises ValueError if there is
    no such class.
    """
    starts = range(0, len(bags.labels), EVALUATION_BATCH)
    with torch.no_grad():
        logits = [
            head(_inputs(bags, slice(start, start + EVALUATION_BATCH), device)).cpu()
            for start in progress(starts, "evaluating")
        ]
    return mean_scores(torch.cat(logits).numpy(), bags.labels)


def mean_scores(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Compute the scores of `evaluate_head` from logits float (N, K) and labels bool (N, K)."""
    scored = np.flatnonzero(labels.any(axis=0) & ~labels.all(axis=0))
    if len(scored) == 0:
        raise ValueError("no class has both positive and negative clips, so there is no score")
    pairs = [(labels[:, index], logits[:, index]) for index in scored]
    return {
        "map": float(np.mean([average_precision_score(*pair) for pair in pairs])),
        "auc": float(np.mean([roc_auc_score(*pair) for pair in pairs])),
        "classes": len(scored),
        "clips": len(labels),
    }


def _inputs(bags: LabelledBags, clips: np.ndarray | slice, device: torch.device) -> Tensor:
    """Return the rescaled levels of the given clips, float32 (n, 10, 128)."""
    return rescale_levels(torch.from_numpy(bags.levels[clips]).to(device))
