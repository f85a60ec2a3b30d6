"""C3N, the paper's Figure 2 from top to bottom. Read this file first.

    frames  ─► visual encoder ─► V_1..V_4, logits ┐
                                                  ├─► C3IM ─► unified-modal label ─► CCAM ─► ASPP ─► V_i^a ┐
    snippets ─► audio encoder ─► F_a, logits ─────┘                                                        ├─► decode
                                  └────────────────────────────────────────────────────────────────── F_a ─┘

Everything up to ASPP is per frame (`encode`); only the cross-modal non-local block combines the T frames of a clip
(`decode`). A live session therefore encodes each second once, keeps the last T encodings and decodes the newest.

Shapes: B clips, T frames per clip, N = B T, C channels, H W pixels, K_a / K_v audio / visual classes, d audio embedding.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

import torch
from einops import rearrange
from torch import Tensor, nn

from c3n_model.network.attention import (
    Gate,
    attend,
    attend_channels,
    class_activation_weights,
    linear_attention,
    spatial_attention,
)
from c3n_model.network.audio import AudioEncoder
from c3n_model.network.choices import check_choice
from c3n_model.network.consensus import AudioOrder, AudioScores, Consensus, infer_consensus, visual_consensus
from c3n_model.network.decoder import Decoder, DecoderForm
from c3n_model.network.decoding import Decoding
from c3n_model.network.fusion import CrossModalNonLocal, PyramidForm, build_pyramid
from c3n_model.network.visual_encoder import STAGES, VisualEncoder

ConsensusMode = Literal["audio_visual", "visual", "none"]


@dataclass(frozen=True)
class Encoding:
    """N encoded frames.

    visual: V_i^a [(N, C, H_i, W_i)] x 4; audio: F_a (N, d); audio_logits: (N, K_a); visual_logits: (N, K_v); consensus:
    fields (N,); size: height and width of the frames.
    """

    visual: list[Tensor]
    audio: Tensor
    audio_logits: Tensor
    visual_logits: Tensor
    consensus: Consensus
    size: tuple[int, int]

    @staticmethod
    def join(encodings: list[Encoding]) -> Encoding:
        """Concatenate encodings, oldest first, into one."""
        return Encoding(
            visual=[torch.cat(maps) for maps in zip(*(encoding.visual for encoding in encodings), strict=True)],
            audio=torch.cat([encoding.audio for encoding in encodings]),
            audio_logits=torch.cat([encoding.audio_logits for encoding in encodings]),
            visual_logits=torch.cat([encoding.visual_logits for encoding in encodings]),
            consensus=Consensus(
                *(torch.cat([getattr(e.consensus, field.name) for e in encodings]) for field in fields(Consensus))
            ),
            size=encodings[-1].size,
        )


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
    decoder: Decoder

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
        _check_similarity(similarity, audio_encoder, visual_encoder)
        self.visual_encoder = visual_encoder
        self.audio_encoder = audio_encoder
        self.register_buffer("similarity", similarity.float())
        places = torch.arange(len(similarity)) if audio_order == "checkpoint" else None
        self.register_buffer("place_in_checkpoint", places)
        self.audio_scores, self.alpha, self.beta = audio_scores, alpha, beta
        self.consensus_mode, self.gate, self.gate_strength = consensus, gate, gate_strength
        self.pyramids = nn.ModuleList(build_pyramid(pyramid, width, channels) for width in visual_encoder.channels)
        self.fusions = nn.ModuleList(
            CrossModalNonLocal(channels, audio_encoder.embedding_channels, normalise=fusion_norm)
            for _ in range(STAGES if audio_features else 0)
        )
        self.decoder = Decoder(channels, STAGES, form=decoder)
        for head in (visual_encoder.head(), audio_encoder.head()):
            head.requires_grad_(False)

    @property
    def audible_classes(self) -> Tensor:
        """Audio classes that at least one visual class can produce, bool (K_a,); "background" is not among them."""
        return (self.similarity > 0).any(dim=1)

    def forward(self, frames: Tensor, snippets: Tensor) -> Tensor:
        """Segment clips: frames (B, T, 3, H, W) RGB in [0, 1], snippets (B, T, samples) in [-1, 1] -> logits (B, T, H, W)."""
        encoding = self.encode(frames.flatten(0, 1), snippets.flatten(0, 1))
        every_frame = torch.ones(frames.shape[:2], dtype=torch.bool, device=frames.device)
        return self.decode(encoding, every_frame).logits.unflatten(0, frames.shape[:2])

    def encode(self, frames: Tensor, snippets: Tensor) -> Encoding:
        """Encode N independent frames: frames (N, 3, H, W) in [0, 1], snippets (N, samples) in [-1, 1]."""
        return self.embed(self.perceive(frames, snippets))

    def perceive(self, frames: Tensor, snippets: Tensor) -> Encoding:
        """Run `encode` up to CCAM: both encoders, C3IM and CCAM.

        Returns an `Encoding` with V_i^r (N, C_vi, H_i, W_i) instead of V_i^a. Only the encoders have weights here.
        """
        audio, audio_logits = self.audio_encoder(snippets)
        maps, visual_logits, consensus, weights = self._encode_visual(frames, audio_logits.detach())
        if self.consensus_mode != "none":
            maps = [
                attend(stage, omega, self.gate, self.gate_strength) for stage, omega in zip(maps, weights, strict=True)
            ]
        return Encoding(maps, audio, audio_logits, visual_logits, consensus, (frames.shape[2], frames.shape[3]))

    def embed(self, perceived: Encoding) -> Encoding:
        """Apply ASPP: V_i^r of `perceive` -> V_i^a."""
        visual = [pyramid(stage) for pyramid, stage in zip(self.pyramids, perceived.visual, strict=True)]
        return replace(perceived, visual=visual)

    def decode(self, encoding: Encoding, selected: Tensor) -> Decoding:
        """Decode the M frames marked in `selected` bool (B, T): all, those with a ground-truth mask, or only the newest.

        `encoding` holds B whole clips, each oldest frame first.
        """
        index = selected.flatten()
        audio_logits = encoding.audio_logits[index]
        return Decoding(
            logits=self.decoder(self.fuse(encoding, selected), encoding.size),
            audio_logits=audio_logits,
            visual_logits=encoding.visual_logits[index],
            consensus=encoding.consensus.select(index),
            presence=audio_logits.masked_fill(~self.audible_classes, -torch.inf).amax(dim=1).sigmoid(),
        )

    def fuse(self, encoding: Encoding, selected: Tensor) -> list[Tensor]:
        """Compute M_i of Eq. 14 [(M, C, H_i, W_i)] x 4 for the selected frames; their V_i^a without `audio_features`."""
        visual, audio = _by_clip(encoding, *selected.shape)
        if not self.fusions:
            return [maps[selected] for maps in visual]
        return [fusion(maps, audio, selected) for fusion, maps in zip(self.fusions, visual, strict=True)]

    def fusion_attention(self, encoding: Encoding, frames: int) -> list[Tensor]:
        """Compute each stage's `fusion.CrossModalNonLocal.attention`, [(N, H_i, W_i)], for clips of T = `frames` frames;
        empty without `audio_features`."""
        visual, audio = _by_clip(encoding, len(encoding.audio) // frames, frames)
        return [
            fusion.attention(maps, audio).flatten(0, 1)  # type: ignore[operator]  # ModuleList is not generic
            for fusion, maps in zip(self.fusions, visual if self.fusions else [], strict=True)
        ]

    def linear_attention(self, frames: Tensor, snippets: Tensor) -> list[Tensor]:
        """Compute CCAM's attention as in Figure 7, `attention.linear_attention` of each stage [(N, H_i, W_i)]; frames and
        snippets as in `encode`. Empty if `consensus` is "none"."""
        _, audio_logits = self.audio_encoder(snippets)
        maps, _, _, weights = self._encode_visual(frames, audio_logits.detach())
        return [linear_attention(stage, omega) for stage, omega in zip(maps if weights else [], weights, strict=True)]

    def attention_maps(self, frames: Tensor, snippets: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Compute the spatial attention (Eq. 11) without and with the unified-modal label.

        frames and snippets as in `encode`. Returns for each stage Eq. 11 of V_i and of V_i^c, each (N, H_i, W_i) in (0, 1);
        an empty list if `consensus` is "none".
        """
        _, audio_logits = self.audio_encoder(snippets)
        maps, _, _, weights = self._encode_visual(frames, audio_logits.detach())
        stages = [
            (stage, attend_channels(stage, omega, self.gate, self.gate_strength))
            for stage, omega in zip(maps if weights else [], weights, strict=True)
        ]
        return [(spatial_attention(plain)[:, 0], spatial_attention(guided)[:, 0]) for plain, guided in stages]

    def _encode_visual(
        self, frames: Tensor, audio_logits: Tensor
    ) -> tuple[list[Tensor], Tensor, Consensus, list[Tensor]]:
        """Run the visual encoder, C3IM and CCAM's backward pass: maps [(N, C_vi, H_i, W_i)], detached logits (N, K_v),
        consensus, omega [(N, C_vi)]."""
        if self.consensus_mode == "none":
            maps, logits = self.visual_encoder(frames)
            return maps, logits.detach(), self._infer(audio_logits, logits.detach()), []
        learning = torch.is_grad_enabled() and any(p.requires_grad for p in self.visual_encoder.parameters())
        with torch.enable_grad():  # Eq. 8 needs a graph even in inference
            maps, logits, points = self.visual_encoder.observe(frames if learning else frames.detach().requires_grad_())
            consensus = self._infer(audio_logits, logits.detach())
            weights = class_activation_weights(logits, consensus.visual_class, points, keep_graph=learning)
        maps = maps if learning else [stage.detach() for stage in maps]
        return maps, logits.detach(), consensus, weights

    def consensus_inputs(self, audio_logits: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores (N, K_a) that Eq. 1 takes the softmax of, and the similarities (K_a, K_v) that Eq. 6 uses: with
        `audio_order` "checkpoint" those of the class at each class's place in the encoder's file, as in the authors' code."""
        scores = audio_logits.sigmoid() if self.audio_scores == "sigmoid" else audio_logits
        places = self.place_in_checkpoint
        return scores, self.similarity if places is None else self.similarity[places]

    def _infer(self, audio_logits: Tensor, visual_logits: Tensor) -> Consensus:
        scores, similarity = self.consensus_inputs(audio_logits)
        if self.consensus_mode == "visual":
            return visual_consensus(scores, visual_logits, similarity)
        return infer_consensus(scores, visual_logits, similarity, alpha=self.alpha, beta=self.beta)


def _by_clip(encoding: Encoding, clips: int, frames: int) -> tuple[list[Tensor], Tensor]:
    """Split the N frames into clips: V_i^a [(B, T, C, H_i, W_i)] x 4 and F_a (B, T, d)."""
    visual = [rearrange(maps, "(b t) c h w -> b t c h w", b=clips, t=frames) for maps in encoding.visual]
    return visual, rearrange(encoding.audio, "(b t) d -> b t d", b=clips, t=frames)


def _check_similarity(similarity: Tensor, audio_encoder: AudioEncoder, visual_encoder: VisualEncoder) -> None:
    expected = (audio_encoder.num_classes, visual_encoder.num_classes)
    if tuple(similarity.shape) != expected:
        raise ValueError(
            f"expected similarity of shape {expected} (the encoders' classes), got {tuple(similarity.shape)}"
        )
    if not (similarity > 0).any():
        raise ValueError("similarity has no positive value, so no consensus can be inferred; build another label table")
