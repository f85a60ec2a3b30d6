"""C3N, the paper's Figure 2 from top to bottom. Read this file first.

    frames  ─► visual encoder ─► V_1..V_4, logits ┐
                                                  ├─► C3IM ─► unified-modal label ─► CCAM ─► V_i^r ┐
    snippets ─► audio encoder ─► F_a, logits ─────┘                                                ├─► decode
                                  └────────────────────────────────────────────────────────── F_a ─┘

Everything up to CCAM is per frame (`encode`). The cross-modal non-local block combines the T frames of a clip (`decode`), but
all it needs of a frame that is not decoded is two vectors a stage (`summarise`). A live session therefore encodes each second
once, keeps the summaries of the last T seconds and decodes the newest; training runs ASPP only for frames with a mask.

Shapes: B clips, T frames per clip, N = B T, C channels, H W pixels, K_a / K_v audio / visual classes, d audio embedding.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from c3n_model.network.attention import (
    Gate,
    attend,
    class_activation_weights,
    linear_attention,
    spatial_attention_with_and_without,
)
from c3n_model.network.audio import AudioEncoder
from c3n_model.network.choices import check_choice
from c3n_model.network.consensus import (
    AudioOrder,
    AudioScores,
    Consensus,
    check_similarity,
    infer_consensus,
    visual_consensus,
)
from c3n_model.network.decoder import Decoder, DecoderForm
from c3n_model.network.decoding import Decoding
from c3n_model.network.encoding import Encoding
from c3n_model.network.fusion import CrossModalNonLocal, PyramidForm, build_pyramid, join_contributions
from c3n_model.network.mask_quality import MaskQuality, presence_of
from c3n_model.network.several import infer_further, named_classes
from c3n_model.network.visual_encoder import STAGES, VisualEncoder

ConsensusMode = Literal["audio_visual", "visual", "none"]


class C3N(nn.Module):
    """The network.

    Args:
        similarity: (K_a, K_v) label similarities of Eq. 5.
        alpha, beta: exponents of Eq. 6, see `consensus.top_pairs`.
        audio_scores, audio_order: what C3IM reads of the audio encoder, see `consensus_inputs`.
        consensus, audio_features: the ablations of Table II. "none" masks without C3IM and CCAM (the label is still inferred
        and reported), "visual" uses the visual confidence alone; `audio_features=False` omits the non-local fusion.
        gate, gate_strength: Eq. 9, see `attention.attend_channels`; pyramid: "aspp", or "tpavi", see
        `fusion.SummedPyramid`; fusion_norm: see `fusion.CrossModalNonLocal`; decoder: see `decoder.Decoder`.
    Raises:
        ValueError: an unknown choice, or a `similarity` of the wrong shape or without any positive value.
    """

    similarity: Tensor
    place_in_checkpoint: Tensor | None
    log_similarity: Tensor | None
    audible: Tensor | None
    decoder: Decoder | nn.Module

    def __init__(
        self,
        *,
        visual_encoder: VisualEncoder,
        audio_encoder: AudioEncoder,
        similarity: Tensor,
        channels: int = 256,
        alpha: float = 0.1,
        beta: float = 0.1,
        audio_scores: AudioScores = "logits",
        audio_order: AudioOrder = "audioset",
        consensus: ConsensusMode = "audio_visual",
        gate: Gate = "gradient",
        gate_strength: float = 1.0,
        audio_features: bool = True,
        pyramid: PyramidForm = "aspp",
        fusion_norm: bool = False,
        decoder: DecoderForm = "plain",
    ):
        super().__init__()
        check_choice("audio_scores", audio_scores, AudioScores)
        check_choice("audio_order", audio_order, AudioOrder)
        check_choice("consensus", consensus, ConsensusMode)
        check_choice("gate", gate, Gate)
        check_similarity(similarity, audio_encoder.num_classes, visual_encoder.num_classes)
        self.visual_encoder = visual_encoder
        self.audio_encoder = audio_encoder
        self.register_buffer("similarity", similarity.float())
        places = torch.arange(len(similarity)) if audio_order == "checkpoint" else None
        self.register_buffer("place_in_checkpoint", places)
        for constant in ("log_similarity", "audible"):  # set by `prepared.prepare` where similarities no longer change
            self.register_buffer(constant, None, persistent=False)
        self.audio_scores, self.alpha, self.beta = audio_scores, alpha, beta
        self.consensus_mode, self.gate, self.gate_strength = consensus, gate, gate_strength
        self.pyramids = nn.ModuleList(build_pyramid(pyramid, width, channels) for width in visual_encoder.channels)
        self.fusions = nn.ModuleList(
            CrossModalNonLocal(channels, audio_encoder.embedding_channels, normalise=fusion_norm)
            for _ in range(STAGES if audio_features else 0)
        )
        self.decoder = Decoder(channels, STAGES, form=decoder)
        self.max_sources = 1  # labels per frame, one in the paper
        self.mask_quality: MaskQuality | None = None  # if it is fitted, presence is the expected IoU: heard and in view
        for head in (visual_encoder.head(), audio_encoder.head()):
            head.requires_grad_(False)

    @property
    def audible_classes(self) -> Tensor:
        """Audio classes that at least one visual class can produce, bool (K_a,); "background" is not among them."""
        return (self.similarity > 0).any(dim=1) if self.audible is None else self.audible

    def forward(self, frames: Tensor, snippets: Tensor) -> Tensor:
        """Segment clips: frames (B, T, 3, H, W) RGB in [0, 1], snippets (B, T, samples) in [-1, 1] -> logits (B, T, H, W)."""
        encoding = self.encode(frames.flatten(0, 1), snippets.flatten(0, 1))
        every_frame = torch.ones(frames.shape[:2], dtype=torch.bool, device=frames.device)
        return self.decode(encoding, every_frame).logits.unflatten(0, frames.shape[:2])

    def encode(self, frames: Tensor, snippets: Tensor) -> Encoding:
        """Encode N independent frames: both encoders, C3IM and CCAM. Nothing here is learnt but the encoders.

        Args:
            frames: (N, 3, H, W) in [0, 1]; snippets: (N, samples) in [-1, 1].
        """
        audio, audio_logits = self.audio_encoder(snippets)
        maps, visual_logits, consensus, weights = self.encode_visual(frames, audio_logits.detach())
        further = infer_further(self, audio_logits.detach(), visual_logits, consensus, maps[-1])
        if self.consensus_mode != "none":
            maps = [
                attend(stage, omega, self.gate, self.gate_strength) for stage, omega in zip(maps, weights, strict=True)
            ]
        size = (frames.shape[2], frames.shape[3])
        return Encoding(maps, audio, audio_logits, visual_logits, consensus, size, further)

    def summarise(self, encoding: Encoding) -> Tensor:
        """Compute all that the fusion needs of N frames to decode others: theta2(A) and the mean of theta3(V) at each stage,
        (N, 2, 4, C'); (N, 2, 0, 0) without `audio_features`."""
        if not self.fusions:
            return encoding.audio.new_zeros(len(encoding.audio), 2, 0, 0)
        stages = zip(self.fusions, self.pyramids, encoding.visual, strict=True)
        parts = [fusion.contribute(pyramid.mean(maps), encoding.audio) for fusion, pyramid, maps in stages]  # type: ignore[operator]
        return torch.stack(parts, dim=2)

    def decode(self, encoding: Encoding, selected: Tensor) -> Decoding:
        """Decode the M frames marked in `selected` bool (B, T): all, or those with a ground-truth mask.

        `encoding` holds B whole clips, each oldest frame first. Frames that are not selected only contribute to the context.
        """
        return self._decoded(self.fuse(encoding, selected), encoding.select(selected.flatten()))

    def decode_newest(self, encoding: Encoding, summaries: list[Tensor]) -> Decoding:
        """Decode the newest frame of a stream, as `decode` does the last one of a clip.

        Args:
            encoding: of the newest frame alone; summaries: `summarise` of the T seconds to be decoded together, (1, 2, 4, C')
            each, the last one of `encoding`.
        """
        return self.decode_in_context(encoding, join_contributions(torch.cat(summaries)[None]))

    def decode_in_context(self, encoding: Encoding, context: Tensor) -> Decoding:
        """Decode N frames, each with the context of its clip (N, 4, C', C'), see `fusion.join_contributions`."""
        return self._decoded(self._fuse(encoding.visual, context), encoding)

    def fuse(self, encoding: Encoding, selected: Tensor) -> list[Tensor]:
        """Compute M_i of Eq. 14 [(M, C, H_i, W_i)] x 4 for the selected frames; their V_i^a without `audio_features`."""
        context = join_contributions(self.summarise(encoding).unflatten(0, tuple(selected.shape)))
        # In training the norms of the fusion learn from every frame: `fusion.CrossModalNonLocal.forward`.
        computed = torch.ones_like(selected) if self.training and self._has_norms else selected
        visual = [maps[computed.flatten()] for maps in encoding.visual]
        fused = self._fuse(visual, context[computed.nonzero()[:, 0]])
        return fused if computed is selected else [maps[selected.flatten()] for maps in fused]

    @property
    def _has_norms(self) -> bool:
        return any(fusion.batch_norm is not None for fusion in self.fusions)

    def _fuse(self, visual: list[Tensor], context: Tensor) -> list[Tensor]:
        """V_i^r [(N, C_vi, H_i, W_i)] x 4 of N frames, each with the context of its clip (N, 4, C', C'), to M_i."""
        maps = [pyramid(stage) for pyramid, stage in zip(self.pyramids, visual, strict=True)]
        if not self.fusions:
            return maps
        return [
            fusion(stage, of_stage)
            for fusion, stage, of_stage in zip(self.fusions, maps, context.unbind(dim=1), strict=True)
        ]

    def _decoded(self, fused: list[Tensor], encoding: Encoding) -> Decoding:
        """M_i of the frames of `encoding` to what `decode` returns."""
        logits = self.decoder(fused, encoding.size)
        presence, audible = presence_of(self, logits, encoding)
        classes = (encoding.audio_logits, encoding.visual_logits, encoding.consensus)
        return Decoding(logits, *classes, presence, audible, further=encoding.further)

    def fusion_attention(self, encoding: Encoding, frames: int) -> list[Tensor]:
        """Compute each stage's `fusion.CrossModalNonLocal.attention`, [(N, H_i, W_i)], for clips of T = `frames` frames;
        empty without `audio_features`."""
        audio = encoding.audio.unflatten(0, (-1, frames))
        stages = zip(self.fusions, self.pyramids, encoding.visual, strict=True) if self.fusions else ()
        return [
            fusion.attention(pyramid(maps).unflatten(0, (-1, frames)), audio).flatten(0, 1)  # type: ignore[operator]  # ModuleList is not generic
            for fusion, pyramid, maps in stages
        ]

    def linear_attention(self, frames: Tensor, snippets: Tensor) -> list[Tensor]:
        """Compute CCAM's attention as in Figure 7, `attention.linear_attention` of each stage [(N, H_i, W_i)]; frames and
        snippets as in `encode`. Empty if `consensus` is "none"."""
        _, audio_logits = self.audio_encoder(snippets)
        maps, _, _, weights = self.encode_visual(frames, audio_logits.detach())
        return [linear_attention(stage, omega) for stage, omega in zip(maps if weights else [], weights, strict=True)]

    def attention_maps(self, frames: Tensor, snippets: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Compute the spatial attention (Eq. 11) without and with the unified-modal label.

        frames and snippets as in `encode`. Returns for each stage Eq. 11 of V_i and of V_i^c, each (N, H_i, W_i) in (0, 1);
        an empty list if `consensus` is "none".
        """
        _, audio_logits = self.audio_encoder(snippets)
        maps, _, _, weights = self.encode_visual(frames, audio_logits.detach())
        return spatial_attention_with_and_without(maps if weights else [], weights, self.gate, self.gate_strength)

    def encode_visual(
        self, frames: Tensor, audio_logits: Tensor
    ) -> tuple[list[Tensor], Tensor, Consensus, list[Tensor]]:
        """Run visual encoder, C3IM and CCAM's backward pass: V_i [(N, C_vi, H_i, W_i)], logits (N, K_v), consensus, omega."""
        if self.consensus_mode == "none":
            maps, logits = self.visual_encoder(frames)
            return maps, logits.detach(), self.infer(audio_logits, logits.detach()), []
        learning = torch.is_grad_enabled() and any(p.requires_grad for p in self.visual_encoder.parameters())
        with torch.enable_grad():  # Eq. 8 needs a graph even in inference
            maps, logits, points = self.visual_encoder.observe(frames, for_gradient=True)
            consensus = self.infer(audio_logits, logits.detach())
            further = infer_further(self, audio_logits, logits.detach(), consensus, maps[-1])
            weights = class_activation_weights(logits, named_classes(consensus, further), points, keep_graph=learning)
        maps = maps if learning else [stage.detach() for stage in maps]
        return maps, logits.detach(), consensus, weights

    def consensus_inputs(self, audio_logits: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores (N, K_a) that Eq. 1 takes the softmax of, and the similarities (K_a, K_v) that Eq. 6 uses: with
        `audio_order` "checkpoint" those of the class at each class's place in the encoder's file, as in the authors' code."""
        scores = audio_logits.sigmoid() if self.audio_scores == "sigmoid" else audio_logits
        places = self.place_in_checkpoint
        return scores, self.similarity if places is None else self.similarity[places]

    def infer(self, audio_logits: Tensor, visual_logits: Tensor) -> Consensus:
        """Infer the unified-modal label of N frames from their logits (N, K_a) and (N, K_v), by the setting `consensus`."""
        scores, similarity = self.consensus_inputs(audio_logits)
        if self.consensus_mode == "visual":
            return visual_consensus(scores, visual_logits, similarity)
        alpha, beta, logarithms = self.alpha, self.beta, self.log_similarity
        return infer_consensus(scores, visual_logits, similarity, alpha=alpha, beta=beta, log_similarity=logarithms)
