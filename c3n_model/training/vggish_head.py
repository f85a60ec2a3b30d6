"""Train VGGish's AudioSet classes on the embeddings that AudioSet released.

The public VGGish ends at its embedding, and the head that C3N's authors trained was never published. The recipe is that of
Kong et al. ("Weakly labelled AudioSet tagging with attention neural networks", TASLP 2019): batches balanced over
classes, binary cross entropy, Adam at 1e-3. The authors' file is called `md_50000_iters.pth`, hence the command's steps.
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
    """A head trained on `steps` balanced batches, in eval mode, and its mean loss over the last tenth of them.

    Raises ValueError if there are fewer than one step or two clips a batch (batch statistics need two).
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
    """Endless batches of clip indices (batch_size,) in which every class comes up equally often.

    As Kong et al. sample: classes come in a shuffled order, all of them before one comes again, and each gives the next of
    its own clips, shuffled likewise. AudioSet's common classes have thousands of times the clips of its rare ones.

    Args:
        labels: bool (N, K). Classes without a clip are passed over; raises ValueError if none has one.
    """
    clips_of = [np.flatnonzero(column) for column in labels.T]
    present = [index for index, clips in enumerate(clips_of) if len(clips)]
    if not present:
        raise ValueError("no clip has a label; there is nothing to train on")
    turns = {index: _reshuffled(clips_of[index], random) for index in present}
    classes = _reshuffled(np.array(present), random)
    while True:
        yield np.array([next(turns[next(classes)]) for _ in range(batch_size)])


def _reshuffled(items: np.ndarray, random: np.random.Generator) -> Iterator[int]:
    while True:
        yield from random.permutation(items).tolist()


def evaluate_head(
    head: AttentionHead, bags: LabelledBags, device: torch.device, progress: Progress
) -> dict[str, float]:
    """`map` (mean average precision) and `auc` (mean area under the ROC curve) over the `classes` that have clips and
    that some clip lacks; `clips` is their number. Raises ValueError if there is no such class."""
    starts = range(0, len(bags.labels), EVALUATION_BATCH)
    with torch.no_grad():
        logits = [
            head(_inputs(bags, slice(start, start + EVALUATION_BATCH), device)).cpu()
            for start in progress(starts, "evaluating")
        ]
    return mean_scores(torch.cat(logits).numpy(), bags.labels)


def mean_scores(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """See `evaluate_head`. logits float (N, K), labels bool (N, K)."""
    told_apart = np.flatnonzero(labels.any(axis=0) & ~labels.all(axis=0))
    if len(told_apart) == 0:
        raise ValueError("no class has both clips with it and clips without it; nothing can be scored")
    pairs = [(labels[:, index], logits[:, index]) for index in told_apart]
    return {
        "map": float(np.mean([average_precision_score(*pair) for pair in pairs])),
        "auc": float(np.mean([roc_auc_score(*pair) for pair in pairs])),
        "classes": len(told_apart),
        "clips": len(labels),
    }


def _inputs(bags: LabelledBags, clips: np.ndarray | slice, device: torch.device) -> Tensor:
    """Rescaled levels (n, 10, 128) of some clips."""
    return rescale_levels(torch.from_numpy(bags.levels[clips]).to(device))
