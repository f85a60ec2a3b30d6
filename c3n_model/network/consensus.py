"""C3IM, the Cross-modal Cognitive Consensus Inference Module (Eqs. 1-7): which sound and which sight agree?"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Consensus:
    """The unified-modal label of each of N frames: the pair (j_m, k_m) of Eq. 7 and what it is made of, all (N,)."""

    audio_class: Tensor  # j_m, int64
    visual_class: Tensor  # k_m, int64
    audio_score: Tensor  # c^A at j_m, Eq. 1
    visual_score: Tensor  # c^V at k_m, Eq. 2
    similarity: Tensor  # m^sim at (j_m, k_m), Eq. 5
    consensus: Tensor  # M_cof at (j_m, k_m), Eq. 6


def label_similarity(audio_embeddings: Tensor, visual_embeddings: Tensor) -> Tensor:
    """Eq. 5: cosine of every pair of label embeddings, (K_a, d') and (K_v, d') -> (K_a, K_v).

    A label without a vector (all zeros) gets similarity 0 to everything, which excludes it from the consensus.
    """
    audio = torch.nn.functional.normalize(audio_embeddings, dim=1)
    visual = torch.nn.functional.normalize(visual_embeddings, dim=1)
    return audio @ visual.T


def infer_consensus(
    audio_logits: Tensor, visual_logits: Tensor, similarity: Tensor, *, alpha: float = 0.1, beta: float = 0.1
) -> Consensus:
    """Eqs. 1, 2, 6 and 7: the pair with the highest (c_j^A)^alpha * S_jk * (c_k^V)^beta, frame by frame.

    Worked out as log-scores: softmax(z)^alpha is proportional to exp(alpha z), so no power of a tiny confidence is ever
    taken. Pairs whose cosine is not positive are out (their product would be meaningless or negative).

    Args:
        audio_logits: (N, K_a); visual_logits: (N, K_v); similarity: (K_a, K_v).
    Raises:
        ValueError: no pair has a positive similarity.
    """
    log_audio, log_visual = audio_logits.log_softmax(dim=1), visual_logits.log_softmax(dim=1)
    log_similarity = similarity.clamp(min=0).log()  # -inf where a pair is out
    log_degree = alpha * log_audio[:, :, None] + log_similarity + beta * log_visual[:, None, :]  # N K_a K_v
    best, index = log_degree.flatten(1).max(dim=1)  # ties: lowest index
    audio_class, visual_class = index // similarity.shape[1], index % similarity.shape[1]
    frame = torch.arange(len(index), device=index.device)
    return Consensus(
        audio_class=audio_class,
        visual_class=visual_class,
        audio_score=log_audio[frame, audio_class].exp(),
        visual_score=log_visual[frame, visual_class].exp(),
        similarity=similarity[audio_class, visual_class],
        consensus=best.exp(),
    )


def visual_consensus(audio_logits: Tensor, visual_logits: Tensor, similarity: Tensor) -> Consensus:
    """CC-V of Table II: the label relies on the visual confidence alone; the audio class named beside it is the most
    confident one and has no influence. Shapes as in `infer_consensus`."""
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
