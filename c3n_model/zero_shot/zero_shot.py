"""The zero-shot network: `encode` / `decode` of C3N, so that sessions and nodes run it unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from c3n_model.network.c3n import Decoding
from c3n_model.network.choices import check_choice
from c3n_model.network.consensus import infer_consensus
from c3n_model.network.fusion import upsample
from c3n_model.network.instances import Instances
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.zero_shot.detectors import Detector
from c3n_model.zero_shot.masks import MaskMaker, View
from c3n_model.zero_shot.segmenters import Segmenter
from c3n_model.zero_shot.vocabulary import Vocabulary

CLASSIFY_SIZE = 224  # classifiers are calibrated at the size they were trained on

Refinement = Literal["none", "affinity", "grabcut"]


@dataclass(frozen=True)
class ZeroShotEncoding:
    """N seconds that know nothing of each other: frames (N, 3, H, W), snippets (N, samples), audio logits (N, K_a)."""

    frames: Tensor
    snippets: Tensor
    audio_logits: Tensor

    @staticmethod
    def join(encodings: list[ZeroShotEncoding]) -> ZeroShotEncoding:
        """Encodings of single seconds, oldest first, as one."""
        parts = ("frames", "snippets", "audio_logits")
        return ZeroShotEncoding(*(torch.cat([getattr(e, part) for e in encodings]) for part in parts))


class ZeroShot(nn.Module):
    """Consensus of the trailing seconds of sound and the newest frame; the chosen class becomes the mask.

    Args:
        vocabulary: what can be seen; segmenter: a second source of classes, with masks; detector: a third, with boxes, whose
        instances name things from `detector_score` on; None for neither; alpha, beta: Eq. 6; refinement: what is done to a class activation map.
    """

    def __init__(
        self,
        *,
        visual_encoder: VisualEncoder,
        audio_encoder: nn.Module,
        vocabulary: Vocabulary,
        segmenter: Segmenter | None = None,
        detector: Detector | None = None,
        detector_score: float = 0.3,
        alpha: float = 0.33,
        beta: float = 0.25,
        refinement: Refinement = "affinity",
    ):
        super().__init__()
        check_choice("refinement", refinement, Refinement)
        self.visual_encoder, self.audio_encoder = visual_encoder, audio_encoder
        self.vocabulary, self.segmenter, self.detector = vocabulary, segmenter, detector
        self.register_buffer("similarity", vocabulary.similarity)
        self.alpha, self.beta, self.detector_score = alpha, beta, detector_score
        boxed = detector.labels if detector is not None else ()
        self._masks = MaskMaker(visual_encoder, vocabulary, segmenter, boxed, refinement, detector_score)

    def forward(self, frames: Tensor, snippets: Tensor) -> Tensor:
        """As `C3N.forward`: (B, T, 3, H, W) and (B, T, samples) -> mask logits (B, T, H, W)."""
        encoding = self.encode(frames.flatten(0, 1), snippets.flatten(0, 1))
        every_frame = torch.ones(frames.shape[:2], dtype=torch.bool, device=frames.device)
        return self.decode(encoding, every_frame).logits.unflatten(0, frames.shape[:2])

    def encode(self, frames: Tensor, snippets: Tensor) -> ZeroShotEncoding:
        """frames (N, 3, H, W) and snippets (N, samples) -> what the seconds sound like, each alone."""
        return ZeroShotEncoding(frames, snippets, self.audio_encoder(snippets)[1])

    def decode(self, encoding: ZeroShotEncoding, wanted: Tensor) -> Decoding:
        """Masks of the frames that `wanted` bool (B, T) names; each listens to the seconds before it, too."""
        chosen = wanted.flatten()
        frames, audio_logits = encoding.frames[chosen], self._listen(encoding, wanted)
        masks = self.segmenter(frames) if self.segmenter is not None else None
        detections = self.detector(frames) if self.detector is not None else None
        _, class_logits = self.visual_encoder(upsample(frames, (CLASSIFY_SIZE, CLASSIFY_SIZE)))
        certain = detections and [found.select(found.scores >= self.detector_score) for found in detections]
        visual_logits = self.vocabulary.log_confidence(class_logits, masks, certain)
        consensus = infer_consensus(audio_logits, visual_logits, self.similarity, alpha=self.alpha, beta=self.beta)
        nothing = [None] * len(frames)
        views = [View(*parts) for parts in zip(frames, masks if masks is not None else nothing, detections or nothing)]
        logits, instances = self.mask_of(views, consensus.visual_class)
        return Decoding(logits, audio_logits, visual_logits, consensus, consensus.consensus, instances)

    def mask_of(self, views: list[View], visual_classes: Tensor) -> tuple[Tensor, tuple[Instances | None, ...]]:
        """Return mask logits (M, H, W) and the instances of M views, each of its class of the vocabulary, int64 (M,)."""
        drawn = [self._masks.draw(view, label) for view, label in zip(views, visual_classes.tolist(), strict=True)]
        return torch.stack([logits for logits, _ in drawn]), tuple(instances for _, instances in drawn)

    def _listen(self, encoding: ZeroShotEncoding, wanted: Tensor) -> Tensor:
        """Audio logits (M, K_a) of the wanted seconds: the mean of those of the second and of all up to it. One second is
        thin (a rooster's median confidence is 0.25, against 0.85 over five), five are late. Seconds that are not there are
        passed over: their neighbours are heard one after the other."""
        snippets = encoding.snippets.unflatten(0, tuple(wanted.shape))
        alone = encoding.audio_logits.unflatten(0, tuple(wanted.shape))
        logits = []
        for clip, second in wanted.nonzero().tolist():
            newest = alone[clip, second, None]
            trailing = snippets[clip, : second + 1].reshape(1, -1)
            logits.append((newest + self.audio_encoder(trailing)[1]) / 2 if second > 0 else newest)
        return torch.cat(logits) - self.vocabulary.discount.to(alone.device)
