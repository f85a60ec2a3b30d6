"""C3IM, the Cross-modal Cognitive Consensus Inference Module (Eqs. 1-7): which audio and which visual class agree?"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

import torch
from torch import Tensor

AudioScores = Literal["logits", "sigmoid"]
AudioOrder = Literal["audioset", "checkpoint"]


@dataclass(frozen=True)
class Consensus:
    """The unified-modal label of each of N frames: the pair (j_m, k_m) of Eq. 7 with its scores, all fields (N,).

    From `top_pairs` all fields are (N, k): the k best pairs of each frame.
    """

    audio_class: Tensor  # j_m, int64
    visual_class: Tensor  # k_m, int64
    audio_score: Tensor  # c^A at j_m, Eq. 1
    visual_score: Tensor  # c^V at k_m, Eq. 2
    similarity: Tensor  # m^sim at (j_m, k_m), Eq. 5
    consensus: Tensor  # M_cof at (j_m, k_m), Eq. 6

    def select(self, index: Any) -> Consensus:
        """Index every field with any tensor index."""
        return Consensus(*(getattr(self, field.name)[index] for field in fields(Consensus)))


def label_similarity(audio_embeddings: Tensor, visual_embeddings: Tensor) -> Tensor:
    """Compute Eq. 5, the cosine of every pair of label embeddings: (K_a, d') and (K_v, d') -> (K_a, K_v).

    A label without a vector (all zeros) has similarity 0 to every label, which excludes it from the consensus.
    """
    audio = torch.nn.functional.normalize(audio_embeddings, dim=1)
    visual = torch.nn.functional.normalize(visual_embeddings, dim=1)
    return audio @ visual.T


def infer_consensus(
    audio_logits: Tensor, visual_logits: Tensor, similarity: Tensor,
    *, alpha: float = 0.1, beta: float = 0.1, log_similarity: Tensor | None = None,
) -> Consensus:  # fmt: skip
    """Infer the unified-modal label (Eq. 7): the best of `top_pairs`, which has the same arguments and errors."""
    best = top_pairs(audio_logits, visual_logits, similarity, 1, alpha=alpha, beta=beta, log_similarity=log_similarity)
    return best.select((slice(None), 0))


def top_pairs(
    audio_logits: Tensor, visual_logits: Tensor, similarity: Tensor, k: int,
    *, alpha: float = 0.1, beta: float = 0.1, log_similarity: Tensor | None = None,
) -> Consensus:  # fmt: skip
    """Find the k pairs of each frame with the highest M_cof = (c_j^A)^alpha * S_jk * (c_k^V)^beta (Eqs. 1, 2, 6), best first.

    Pairs are ranked by alpha z_j + log S_jk + beta z_k of the logits z: softmax(z)^alpha is proportional to
    exp(alpha z), so no softmax and no power of a tiny confidence is needed. Ties are broken by the lowest audio class,
    then the lowest visual class. Pairs whose cosine is not positive are excluded (their product would be meaningless or
    negative); if fewer than k remain, the rest is the pair (0, 0) with consensus 0.

    Args:
        audio_logits: (N, K_a); visual_logits: (N, K_v); similarity: (K_a, K_v) of any two sets of labels;
        alpha, beta: balance coefficients, at least 0 (Table III: 0.1 and 0.25); 0 ignores the modality;
        log_similarity: log of the positive similarities, -inf for the others, if it is known already.
    Returns:
        A `Consensus` whose fields are (N, k).
    Raises:
        ValueError: inconsistent shapes, a k outside [1, K_a K_v], or a negative alpha or beta.
    """
    _check_arguments(audio_logits, visual_logits, similarity, k, alpha, beta)
    # Subtract the largest logit: a constant common to all classes does not change the ranking but costs precision.
    audio, visual = (logits - logits.amax(dim=1, keepdim=True) for logits in (audio_logits, visual_logits))
    if log_similarity is None:
        log_similarity = similarity.clamp(min=0).log()  # -inf for excluded pairs
    degree = alpha * audio[:, :, None] + log_similarity + beta * visual[:, None, :]  # N K_a K_v
    frame = torch.arange(len(degree), device=degree.device)
    best: list[tuple[Tensor, ...]] = []
    for rank in range(k):  # topk does not define how it breaks ties; each maximum is the first among equals
        if rank > 0:
            degree = degree.index_put((frame, *best[-1][1:]), degree.new_tensor(-torch.inf))
        audio_class = degree.amax(dim=2).argmax(dim=1)
        value, visual_class = degree[frame, audio_class].max(dim=1)
        best.append((value, audio_class, visual_class))
    value, audio_class, visual_class = (torch.stack(parts, dim=1) for parts in zip(*best, strict=True))  # N k
    log_total = alpha * audio.logsumexp(dim=1, keepdim=True) + beta * visual.logsumexp(dim=1, keepdim=True)
    return Consensus(
        audio_class=audio_class,
        visual_class=visual_class,
        audio_score=audio.softmax(dim=1).gather(1, audio_class),
        visual_score=visual.softmax(dim=1).gather(1, visual_class),
        similarity=similarity[audio_class, visual_class],
        consensus=(value - log_total).exp(),
    )


def visual_consensus(audio_logits: Tensor, visual_logits: Tensor, similarity: Tensor) -> Consensus:
    """Infer the label from the visual confidence alone (CC-V of Table II).

    The reported audio class is the most confident one and has no influence. Shapes as in `infer_consensus`.
    """
    audio_score, audio_class = audio_logits.softmax(dim=1).max(dim=1)
    visual_score, visual_class = visual_logits.softmax(dim=1).max(dim=1)
    return Consensus(
        audio_class=audio_class,
        visual_class=visual_class,
        audio_score=audio_score,
        visual_score=visual_score,
        similarity=similarity[audio_class, visual_class],
        consensus=visual_score,
    )


def _check_arguments(
    audio_logits: Tensor, visual_logits: Tensor, similarity: Tensor, k: int, alpha: float, beta: float
) -> None:
    expected = (audio_logits.shape[1], visual_logits.shape[1])
    if tuple(similarity.shape) != expected:
        raise ValueError(
            f"expected similarity of shape {expected} (the logits' classes), got {tuple(similarity.shape)}"
        )
    if not 1 <= k <= similarity.numel():
        raise ValueError(f"k must be in [1, {similarity.numel()}], the number of pairs, got {k}")
    if not (alpha >= 0 and beta >= 0):
        raise ValueError(f"alpha and beta must not be negative, got {alpha} and {beta}")


def check_similarity(similarity: Tensor, audio_classes: int, visual_classes: int) -> None:
    """Raise ValueError unless `similarity` is (audio_classes, visual_classes) with a positive value."""
    expected = (audio_classes, visual_classes)
    if tuple(similarity.shape) != expected:
        raise ValueError(
            f"expected similarity of shape {expected} (the encoders' classes), got {tuple(similarity.shape)}"
        )
    if not (similarity > 0).any():
        raise ValueError("similarity has no positive value, so no consensus can be inferred; build another label table")
