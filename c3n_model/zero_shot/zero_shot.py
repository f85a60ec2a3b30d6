"""The zero-shot network, with the same `encode` and `decode` as C3N, so that sessions and nodes run it unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor, nn

from c3n_model.network.choices import check_choice
from c3n_model.network.consensus import Consensus, infer_consensus
from c3n_model.network.decoding import Decoding
from c3n_model.network.fusion import upsample
from c3n_model.network.instances import Instances
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.zero_shot.detections import Detections
from c3n_model.zero_shot.detectors import Detector
from c3n_model.zero_shot.exposure import brighten
from c3n_model.zero_shot.further import further_sources
from c3n_model.zero_shot.glimpses import Glimpse, search
from c3n_model.zero_shot.heard import Heard, ZeroShotEncoding, logits_over_seconds, tag_alone
from c3n_model.zero_shot.hearing import (
    KEEP_NAME,
    NEWEST_WEIGHT,
    Evidence,
    HearingMemory,
    loudest_sources,
    most_presence,
    presence_of,
    weigh,
)
from c3n_model.zero_shot.logit_statistics import LogitStatistics
from c3n_model.zero_shot.masks import MaskMaker, View, empty_mask
from c3n_model.zero_shot.open_vocabulary import OpenVocabularyEye, nouns_to_look_for
from c3n_model.zero_shot.segmenters import Segmenter
from c3n_model.zero_shot.visual_prior import VisualPrior
from c3n_model.zero_shot.vocabulary import PERSON, Vocabulary

CLASSIFY_SIZE = 224  # classifiers are calibrated at the size they were trained on

Refinement = Literal["none", "affinity", "grabcut"]


class ZeroShot(nn.Module):
    """Infers the consensus of the last seconds of sound and the newest frame; the mask is that of the chosen class.

    Args:
        vocabulary: the visual labels; segmenter: a second model with classes, and masks, or None; detector: a third, with
        boxes, or None; eye: a fourth, which is asked for what is heard, or None; detector_score: minimum score of a detection that
        names an object; alpha, beta: Eq. 6;
        refinement: of the class activation maps;
        prior: the audio encoder's logits for unrelated sounds; None uses its logits as they are (plain C3IM);
        visual_prior: of the first labels, what windows of unrelated pictures give (`glimpses.search`);
        prior_weight: fraction of the prior that is subtracted from the logits before C3IM;
        evidence_threshold: standard deviations by which a sound must exceed the prior to be published.
    """

    def __init__(
        self,
        *,
        visual_encoder: VisualEncoder,
        audio_encoder: nn.Module,
        vocabulary: Vocabulary,
        segmenter: Segmenter | None = None,
        detector: Detector | None = None,
        eye: OpenVocabularyEye | None = None,
        detector_score: float = 0.3,
        alpha: float = 0.33,
        beta: float = 0.25,
        refinement: Refinement = "affinity",
        prior: LogitStatistics | None = None,
        visual_prior: VisualPrior | None = None,
        prior_weight: float = 0.25,
        evidence_threshold: float = 2.0,
    ):
        super().__init__()
        check_choice("refinement", refinement, Refinement)
        self.visual_encoder, self.audio_encoder = visual_encoder, audio_encoder
        self.vocabulary, self.segmenter, self.detector, self.eye = vocabulary, segmenter, detector, eye
        self.register_buffer("similarity", vocabulary.similarity)
        self.max_sources = 1  # pairs per frame, each with a mask of its own
        self.alpha, self.beta, self.detector_score = alpha, beta, detector_score
        self.visual_prior = visual_prior
        self.prior, self.prior_weight, self.evidence_threshold = prior, prior_weight, evidence_threshold
        self._specific = torch.tensor([label != PERSON for label in vocabulary.labels])
        boxed = detector.labels if detector is not None else ()
        self._closed_boxes = len(boxed)
        if eye is not None:
            boxed = (*boxed, *eye.labels)
        self._masks = MaskMaker(
            visual_encoder, vocabulary, segmenter, boxed, refinement, detector_score, several_names=eye is not None
        )

    def new_memory(self) -> HearingMemory | None:
        """Return a new audio state for a session; None without a prior."""
        return None if self.prior is None else HearingMemory()

    def forward(self, frames: Tensor, snippets: Tensor) -> Tensor:
        """Segment clips as `C3N.forward`: (B, T, 3, H, W) and (B, T, samples) -> mask logits (B, T, H, W)."""
        encoding = self.encode(frames.flatten(0, 1), snippets.flatten(0, 1))
        every_frame = torch.ones(frames.shape[:2], dtype=torch.bool, device=frames.device)
        return self.decode(encoding, every_frame).logits.unflatten(0, frames.shape[:2])

    def encode(self, frames: Tensor, snippets: Tensor) -> ZeroShotEncoding:
        """Classify the sound of each second by itself: frames (N, 3, H, W), snippets (N, samples)."""
        return ZeroShotEncoding(brighten(frames), Heard(snippets, tag_alone(snippets, self.audio_encoder)))

    def summarise(self, encoding: ZeroShotEncoding) -> Heard:
        """Return all that later seconds need of N seconds: their sound."""
        return encoding.heard

    def decode(self, encoding: ZeroShotEncoding, selected: Tensor, memory: HearingMemory | None = None) -> Decoding:
        """Decode the frames marked in `selected` bool (B, T), each with its own sound and that of the seconds before it.

        `memory` is the audio state of a session; without it no frame depends on the result of another.
        """
        return self._decode(encoding.frames[selected.flatten()], *self._listen(encoding.heard, selected), memory)

    def decode_newest(
        self, encoding: ZeroShotEncoding, summaries: Sequence[Heard], memory: HearingMemory | None = None
    ) -> Decoding:
        """Decode the last of the seconds in `summaries`, whose frame is in `encoding`."""
        heard = Heard.join(summaries)
        newest = torch.arange(len(heard.audio_logits), device=heard.audio_logits.device) == len(heard.audio_logits) - 1
        return self._decode(encoding.frames, *self._listen(heard, newest[None]), memory)

    def _decode(self, frames: Tensor, combined: Tensor, newest: Tensor, memory: HearingMemory | None) -> Decoding:
        """Decode frames (M, 3, H, W) with the audio logits (M, K_a) that `logits_over_seconds` returns for them."""
        evidence = self._weigh(combined, newest, memory) if self.prior is not None else None
        audio_logits = (combined if evidence is None else evidence.logits) - self.vocabulary.discount.to(
            combined.device
        )
        looks = self._may_show(audio_logits, evidence, memory)
        masks = self.segmenter(frames) if self.segmenter is not None and looks else None
        detections = self._detect(frames, audio_logits, evidence, memory) if looks else None
        _, class_logits = self.visual_encoder(upsample(frames, (CLASSIFY_SIZE, CLASSIFY_SIZE)))
        certain = detections and [found.select(found.scores >= self.detector_score) for found in detections]
        visual_logits = self.vocabulary.log_confidence(class_logits, masks, certain)
        nothing = [None] * len(frames)
        views = [View(*parts) for parts in zip(frames, masks if masks is not None else nothing, detections or nothing)]
        if evidence is None:
            consensus = self.agree(audio_logits, visual_logits, None)
            decoding = self._decoded(views, audio_logits, visual_logits, consensus, consensus.consensus)
            return replace(decoding, others=further_sources(self, views, decoding, None, memory))
        if looks:
            views, visual_logits = self.look_around(views, visual_logits, audio_logits, evidence, self.similarity)
        consensus = self.agree(audio_logits, visual_logits, memory)
        presence = self.presence(consensus, evidence, memory)
        in_plain_view = (presence / consensus.visual_score**self.beta).clamp(max=1)
        pairs = zip(presence.tolist(), consensus.visual_class.tolist(), strict=True)
        wanted = [memory is None or memory.needs_mask(*pair) for pair in pairs]
        decoding = self._decoded(views, audio_logits, visual_logits, consensus, presence, wanted)
        others = further_sources(self, views, decoding, evidence, memory)
        return replace(decoding, audible=in_plain_view, tagger_logits=combined, others=others)

    def _detect(
        self, frames: Tensor, audio_logits: Tensor, evidence: Evidence | None, memory: HearingMemory | None
    ) -> list[Detections] | None:
        """Return the instances that the detector and, of what is heard, the eye find in frames (M, 3, H, W); None without both."""
        found = self.detector(frames) if self.detector is not None else None
        if self.eye is None:
            return found
        nouns = nouns_to_look_for(audio_logits, evidence, self.similarity, self.vocabulary.labels)
        return self.eye.add(found, frames, nouns, self._closed_boxes, memory.sight if memory is not None else None)

    def look_around(
        self, views: list[View], visual_logits: Tensor, audio_logits: Tensor, evidence: Evidence, similarity: Tensor
    ) -> tuple[list[View], Tensor]:
        """Look in all parts of the frames for an object other than a person that makes an evident sound by `similarity` (K_a, K_v).

        Returns the views with what was seen more clearly than in the whole frame, and the log-confidences (M, K_v) with it.
        """
        heard = loudest_sources(evidence, audio_logits, similarity)
        looked_for = self._specific & self.vocabulary.members.any(dim=1)
        heard = heard.masked_fill(~looked_for.to(heard.device), -torch.inf)
        views, confidence = list(views), visual_logits.clone()
        for row, view in enumerate(views):
            glimpse = self._glimpse(view.frame, heard[row])
            if glimpse is not None and glimpse.log_confidence > confidence[row, glimpse.label]:
                confidence[row, glimpse.label] = glimpse.log_confidence
                views[row] = replace(view, glimpse=glimpse)
        return views, confidence

    def _glimpse(self, frame: Tensor, heard: Tensor) -> Glimpse | None:
        """Look for the labels with audio logits `heard` (K_v,), -inf for those that are not looked for; None without any."""
        labels = heard.isfinite().nonzero().flatten()
        if not len(labels):
            return None
        prior = self.visual_prior.to(frame.device).select(labels) if self.visual_prior is not None else None
        confidence, boxes = search(self.visual_encoder, frame, self.vocabulary.members[labels.cpu()], prior)
        best = int((self.alpha * heard[labels] + self.beta * confidence).argmax())
        return Glimpse(int(labels[best]), float(confidence[best]), boxes[best])

    def _may_show(self, audio_logits: Tensor, evidence: Evidence | None, memory: HearingMemory | None) -> bool:
        """Whether a session can publish a mask of these seconds, whatever is in view."""
        if evidence is None or memory is None:
            return True
        threshold = self.evidence_threshold * memory.least_keep
        most = most_presence(evidence, audio_logits, self.similarity, threshold, alpha=self.alpha)
        return memory.needs_mask(float(most.max()))

    def _decoded(
        self, views: list[View], audio_logits, visual_logits, consensus: Consensus, presence: Tensor, wanted=None
    ) -> Decoding:
        logits, instances = self.mask_of(views, consensus.visual_class, wanted)
        return Decoding(logits, audio_logits, visual_logits, consensus, presence, instances=instances)

    def _weigh(self, combined: Tensor, newest: Tensor, memory: HearingMemory | None) -> Evidence:
        device, background = combined.device, memory.background.statistics if memory is not None else None
        known = background.to(device) if background is not None else None
        return weigh(combined, newest, self.prior.to(device), known, prior_weight=self.prior_weight)

    def agree(
        self, audio_logits: Tensor, visual_logits: Tensor, memory: HearingMemory | None, allowed: Tensor | None = None
    ) -> Consensus:
        """Infer the consensus by C3IM among the pairs in `allowed` bool (K_a, K_v); a class that is already shown is kept unless
        another one is clearly better."""
        shown = memory.shown if memory is not None else ()
        similarity = self.similarity if allowed is None else self.similarity.where(allowed, 0.0)
        if shown:
            similarity = similarity.clone()
            similarity[:, list(shown)] /= KEEP_NAME
        consensus = infer_consensus(audio_logits, visual_logits, similarity, alpha=self.alpha, beta=self.beta)
        if not shown:
            return consensus
        kept = torch.isin(consensus.visual_class, torch.tensor(shown, device=similarity.device))
        undo = torch.where(kept, KEEP_NAME, 1.0)
        true_similarity = self.similarity[consensus.audio_class, consensus.visual_class]
        return replace(consensus, similarity=true_similarity, consensus=consensus.consensus * undo)

    def presence(
        self, consensus: Consensus, evidence: Evidence, memory: HearingMemory | None, unexplained: Tensor | None = None
    ) -> Tensor:
        keep = [memory.keep(index) if memory is not None else 1.0 for index in consensus.visual_class.tolist()]
        thresholds = self.evidence_threshold * torch.tensor(keep, device=self.similarity.device)
        specific = self._specific.to(self.similarity.device)
        return presence_of(consensus, evidence, self.similarity, specific, thresholds, unexplained)

    def mask_of(
        self, views: list[View], visual_classes: Tensor, wanted: Sequence[bool] | None = None
    ) -> tuple[Tensor, tuple[Instances | None, ...]]:
        """Return mask logits (M, H, W) and the instances of M views for one class of the vocabulary each, int64 (M,); an empty mask
        where none is `wanted`."""
        drawn = [
            self._masks.draw(view, label) if wants else empty_mask(view)
            for view, label, wants in zip(views, visual_classes.tolist(), wanted or [True] * len(views), strict=True)
        ]
        return torch.stack([logits for logits, _ in drawn]), tuple(instances for _, instances in drawn)

    def _listen(self, heard: Heard, selected: Tensor) -> tuple[Tensor, Tensor]:
        weight = 0.5 if self.prior is None else NEWEST_WEIGHT
        return logits_over_seconds(heard, selected, self.audio_encoder, weight)
