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
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.zero_shot.localise import class_activation, cut, spread
from c3n_model.zero_shot.segmenters import Segmenter
from c3n_model.zero_shot.vocabulary import Vocabulary

CLASSIFY_SIZE = 224  # classifiers are calibrated at the size they were trained on;
LOCALISE_SIZE = 448  # activations are finer at twice it, but their softmax collapses
SHARPNESS = 10.0  # mask logits per unit of activation
ACTIVATION_THRESHOLD = {"none": 0.4, "affinity": 0.7, "grabcut": 0.7}  # of the activation's maximum

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
        vocabulary: what can be seen; segmenter: a second source of classes, whose masks are used as they are, or None;
        alpha, beta: Eq. 6; refinement: what is done to a class activation map.
    """

    def __init__(
        self,
        *,
        visual_encoder: VisualEncoder,
        audio_encoder: nn.Module,
        vocabulary: Vocabulary,
        segmenter: Segmenter | None = None,
        alpha: float = 0.33,
        beta: float = 0.25,
        refinement: Refinement = "affinity",
    ):
        super().__init__()
        check_choice("refinement", refinement, Refinement)
        self.visual_encoder, self.audio_encoder = visual_encoder, audio_encoder
        self.vocabulary, self.segmenter = vocabulary, segmenter
        self.register_buffer("similarity", vocabulary.similarity)
        self.alpha, self.beta, self.refinement = alpha, beta, refinement

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
        _, class_logits = self.visual_encoder(upsample(frames, (CLASSIFY_SIZE, CLASSIFY_SIZE)))
        visual_logits = self.vocabulary.log_confidence(class_logits, masks)
        consensus = infer_consensus(audio_logits, visual_logits, self.similarity, alpha=self.alpha, beta=self.beta)
        logits = self.mask_of(frames, masks, consensus.visual_class)
        return Decoding(logits, audio_logits, visual_logits, consensus, presence=consensus.consensus)

    def mask_of(self, frames: Tensor, masks: Tensor | None, visual_classes: Tensor) -> Tensor:
        """Mask logits (M, H, W) of frames (M, 3, H, W), each of its class of the vocabulary, int64 (M,)."""
        classifier_labels = len(self.vocabulary.members)
        parts = []
        for index, label in enumerate(visual_classes.tolist()):
            if label < classifier_labels:
                members = self.vocabulary.members[label, None].to(frames.device)
                logits = self._localise(frames[index, None], members)
            else:
                segment = self.vocabulary.segments[label - classifier_labels]
                logits = SHARPNESS * (masks[index, None, segment] - 0.5)
            parts.append(upsample(logits[:, None], tuple(frames.shape[2:]))[:, 0])
        return torch.cat(parts)

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

    def _localise(self, frames: Tensor, members: Tensor) -> Tensor:
        threshold = ACTIVATION_THRESHOLD[self.refinement]
        activation, features = class_activation(
            self.visual_encoder, upsample(frames, (LOCALISE_SIZE, LOCALISE_SIZE)), members
        )
        if self.refinement != "none":
            activation = spread(activation, features)
        if self.refinement == "grabcut":
            return SHARPNESS * (cut(activation, frames, threshold) - 0.5)
        return SHARPNESS * (activation - threshold)
