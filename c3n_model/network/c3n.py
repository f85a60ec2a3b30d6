"""C3N, the paper's Figure 2 from top to bottom. Read this file first.

    frames  ─► visual encoder ─► V_1..V_4, logits ┐
                                                  ├─► C3IM ─► unified-modal label ─► CCAM ─► ASPP ─► V_i^a ┐
    snippets ─► audio encoder ─► F_a, logits ─────┘                                                        ├─► decode
                                  └────────────────────────────────────────────────────────────────── F_a ─┘

Everything up to ASPP is per frame (`encode`); only the cross-modal non-local block looks across the T frames of a clip
(`decode`). So a live session encodes each second once, keeps the last T encodings and decodes the newest.

Shapes: B clips, T frames a clip, N = B T, C channels, H W pixels, K_a / K_v audio / visual classes, d audio embedding.
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
from c3n_model.network.consensus import Consensus, infer_consensus, visual_consensus
from c3n_model.network.decoder import Decoder, DecoderForm
from c3n_model.network.fusion import CrossModalNonLocal, PyramidForm, build_pyramid
from c3n_model.network.instances import Instances
from c3n_model.network.visual_encoder import STAGES, VisualEncoder

ConsensusMode = Literal["audio_visual", "visual", "none"]


@dataclass(frozen=True)
class Encoding:
    """N encoded frames: V_i^a [(N, C, H_i, W_i)] x 4, F_a (N, d), audio logits (N, K_a), visual logits (N, K_v), their
    consensus, and the frames' size (H, W)."""

    visual: list[Tensor]
    audio: Tensor
    audio_logits: Tensor
    visual_logits: Tensor
    consensus: Consensus
    size: tuple[int, int]

    @staticmethod
    def join(encodings: list[Encoding]) -> Encoding:
        """Encodings of single frames, oldest first, as one encoding of all of them."""
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


@dataclass(frozen=True)
class Decoding:
    """M decoded frames: mask logits (M, H, W), and what decided them: audio logits (M, K_a), visual logits (M, K_v), their
    consensus, and presence (M,), how sure it is in [0, 1] that something sounds. `instances` are those of each mask, None for a
    mask whose things are not told apart; None where no mask's are."""

    logits: Tensor
    audio_logits: Tensor
    visual_logits: Tensor
    consensus: Consensus
    presence: Tensor
    instances: tuple[Instances | None, ...] | None = None


class C3N(nn.Module):
    """The network. `consensus` and `audio_features` are the rows of Table II: "none" leaves C3IM and CCAM out of the
    mask (the label is still inferred and reported), `audio_features=False` leaves the non-local fusion out.

    Args:
        similarity: (K_a, K_v) label similarities of Eq. 5.
        gate, gate_strength: what enters Eq. 9, see `attention.attend_channels`; pyramid: "aspp", or "tpavi", see
        `fusion.SummedPyramid`; fusion_norm: see `fusion.CrossModalNonLocal`; decoder: see `decoder.Decoder`.
    """

    similarity: Tensor
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
        consensus: ConsensusMode = "audio_visual",
        gate: Gate = "gradient",
        gate_strength: float = 1.0,
        audio_features: bool = True,
        pyramid: PyramidForm = "aspp",
        fusion_norm: bool = False,
        decoder: DecoderForm = "plain",
    ):
        super().__init__()
        check_choice("consensus", consensus, ConsensusMode)
        check_choice("gate", gate, Gate)
        _check_similarity(similarity, audio_encoder, visual_encoder)
        self.visual_encoder = visual_encoder
        self.audio_encoder = audio_encoder
        self.register_buffer("similarity", similarity.float())
        self.alpha, self.beta = alpha, beta
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
        """bool (K_a,): audio classes that some visual class could make; "background" is none."""
        return (self.similarity > 0).any(dim=1)

    def forward(self, frames: Tensor, snippets: Tensor) -> Tensor:
        """frames (B, T, 3, H, W) RGB in [0, 1] and snippets (B, T, samples) in [-1, 1] -> mask logits (B, T, H, W)."""
        encoding = self.encode(frames.flatten(0, 1), snippets.flatten(0, 1))
        every_frame = torch.ones(frames.shape[:2], dtype=torch.bool, device=frames.device)
        return self.decode(encoding, every_frame).logits.unflatten(0, frames.shape[:2])

    def encode(self, frames: Tensor, snippets: Tensor) -> Encoding:
        """frames (N, 3, H, W) and snippets (N, samples) -> `Encoding` of N frames that know nothing of each other."""
        return self.embed(self.perceive(frames, snippets))

    def perceive(self, frames: Tensor, snippets: Tensor) -> Encoding:
        """Both encoders, C3IM and CCAM, as `encode`, but with V_i^r (N, C_vi, H_i, W_i) in the place of V_i^a. Apart from
        the encoders' weights nothing here is learned."""
        audio, audio_logits = self.audio_encoder(snippets)
        maps, visual_logits, consensus, weights = self._see(frames, audio_logits.detach())
        if self.consensus_mode != "none":
            maps = [
                attend(stage, omega, self.gate, self.gate_strength) for stage, omega in zip(maps, weights, strict=True)
            ]
        return Encoding(maps, audio, audio_logits, visual_logits, consensus, (frames.shape[2], frames.shape[3]))

    def embed(self, perceived: Encoding) -> Encoding:
        """ASPP: the V_i^r of `perceive` -> V_i^a."""
        visual = [pyramid(stage) for pyramid, stage in zip(self.pyramids, perceived.visual, strict=True)]
        return replace(perceived, visual=visual)

    def decode(self, encoding: Encoding, wanted: Tensor) -> Decoding:
        """The encodings of B whole clips, each oldest first -> `Decoding` of the M frames that `wanted` bool (B, T)
        names: all of them, those with a mask to train on, or only the newest of a live session."""
        chosen = wanted.flatten()
        audio_logits = encoding.audio_logits[chosen]
        return Decoding(
            logits=self.decoder(self.fuse(encoding, wanted), encoding.size),
            audio_logits=audio_logits,
            visual_logits=encoding.visual_logits[chosen],
            consensus=encoding.consensus.select(chosen),
            presence=audio_logits.masked_fill(~self.audible_classes, -torch.inf).amax(dim=1).sigmoid(),
        )

    def fuse(self, encoding: Encoding, wanted: Tensor) -> list[Tensor]:
        """Eq. 14 for the frames that `decode` decodes: M_i [(M, C, H_i, W_i)] x 4, or their V_i^a without `audio_features`."""
        visual, audio = _by_clip(encoding, *wanted.shape)
        if not self.fusions:
            return [maps[wanted] for maps in visual]
        return [fusion(maps, audio, wanted) for fusion, maps in zip(self.fusions, visual, strict=True)]

    def fusion_attention(self, encoding: Encoding, frames: int) -> list[Tensor]:
        """How the pixels of clips of T = `frames` frames respond to the sound: `fusion.CrossModalNonLocal.attention` of each
        stage, [(N, H_i, W_i)]. Empty without `audio_features`."""
        visual, audio = _by_clip(encoding, len(encoding.audio) // frames, frames)
        return [
            fusion.attention(maps, audio).flatten(0, 1)  # type: ignore[operator]  # a ModuleList forgets what it holds
            for fusion, maps in zip(self.fusions, visual if self.fusions else [], strict=True)
        ]

    def linear_attention(self, frames: Tensor, snippets: Tensor) -> list[Tensor]:
        """What CCAM looks at, as the paper's Figure 7 draws it: `attention.linear_attention` of each stage, [(N, H_i, W_i)];
        frames and snippets as in `encode`. Empty where `consensus` is "none"."""
        _, audio_logits = self.audio_encoder(snippets)
        maps, _, _, weights = self._see(frames, audio_logits.detach())
        return [linear_attention(stage, omega) for stage, omega in zip(maps if weights else [], weights, strict=True)]

    def attention_maps(self, frames: Tensor, snippets: Tensor) -> list[tuple[Tensor, Tensor]]:
        """What CCAM multiplies with; frames and snippets as in `encode`.

        For each stage Eq. 11 of V_i and of V_i^c, each (N, H_i, W_i) in (0, 1): the spatial attention that there would
        be without the unified-modal label, and the one there is. Empty where `consensus` is "none".
        """
        _, audio_logits = self.audio_encoder(snippets)
        maps, _, _, weights = self._see(frames, audio_logits.detach())
        seen = [
            (stage, attend_channels(stage, omega, self.gate, self.gate_strength))
            for stage, omega in zip(maps if weights else [], weights, strict=True)
        ]
        return [(spatial_attention(plain)[:, 0], spatial_attention(guided)[:, 0]) for plain, guided in seen]

    def _see(self, frames: Tensor, audio_logits: Tensor) -> tuple[list[Tensor], Tensor, Consensus, list[Tensor]]:
        """Visual encoder, C3IM and the gradients of CCAM: maps [(N, C_vi, H_i, W_i)], detached logits (N, K_v),
        consensus, omega [(N, C_vi)]."""
        if self.consensus_mode == "none":
            maps, logits = self.visual_encoder(frames)
            return maps, logits.detach(), self._infer(audio_logits, logits.detach()), []
        learning = torch.is_grad_enabled() and any(p.requires_grad for p in self.visual_encoder.parameters())
        with torch.enable_grad():  # Eq. 8 needs a graph even where nothing is trained
            maps, logits, points = self.visual_encoder.observe(frames if learning else frames.detach().requires_grad_())
            consensus = self._infer(audio_logits, logits.detach())
            weights = class_activation_weights(logits, consensus.visual_class, points, keep_graph=learning)
        maps = maps if learning else [stage.detach() for stage in maps]
        return maps, logits.detach(), consensus, weights

    def _infer(self, audio_logits: Tensor, visual_logits: Tensor) -> Consensus:
        if self.consensus_mode == "visual":
            return visual_consensus(audio_logits, visual_logits, self.similarity)
        return infer_consensus(audio_logits, visual_logits, self.similarity, alpha=self.alpha, beta=self.beta)


def _by_clip(encoding: Encoding, clips: int, frames: int) -> tuple[list[Tensor], Tensor]:
    """V_i^a [(B, T, C, H_i, W_i)] x 4 and F_a (B, T, d)."""
    visual = [rearrange(maps, "(b t) c h w -> b t c h w", b=clips, t=frames) for maps in encoding.visual]
    return visual, rearrange(encoding.audio, "(b t) d -> b t d", b=clips, t=frames)


def _check_similarity(similarity: Tensor, audio_encoder: AudioEncoder, visual_encoder: VisualEncoder) -> None:
    expected = (audio_encoder.num_classes, visual_encoder.num_classes)
    if tuple(similarity.shape) != expected:
        raise ValueError(f"similarity is {tuple(similarity.shape)}; the encoders' classes make it {expected}")
    if not (similarity > 0).any():
        raise ValueError("no pair of labels has a positive similarity; no consensus can be inferred")
