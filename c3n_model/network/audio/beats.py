"""BEATs: a transformer AudioSet tagger over 16 x 16 patches of a Kaldi filter bank (Chen et al., ICML 2023).

The fine-tuned iter3+ model, the strongest audio encoder of C3N's authors. `weights/beats.py` converts the public checkpoints,
whose names this module follows. Dropout, layer drop and gradient scaling are omitted: C3N keeps its audio encoder frozen
and in eval mode.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from c3n_model.network.audio.mel import check_waveform, kaldi_mel_bands
from c3n_model.network.audio.spectra import power_spectrum

SAMPLE_RATE = 16_000
WINDOW_SAMPLES = 400  # 25 ms
HOP_SAMPLES = 160  # 10 ms
N_FFT = 512  # the next power of two, as in Kaldi
MEL_BANDS = 128
MEL_MIN_HZ, MEL_MAX_HZ = 20.0, 8_000.0
PRE_EMPHASIS = 0.97
INT16_RANGE = 2.0**15  # Kaldi's samples are integers
ENERGY_FLOOR = torch.finfo(torch.float32).eps
MEAN, DEVIATION = 15.41663, 6.55582  # of the log energies on AudioSet

PATCH = 16  # frames and bands
PATCH_CHANNELS = 512
CHANNELS = 768
HEADS = 12
HIDDEN_CHANNELS = 3072
POSITION_KERNEL, POSITION_GROUPS = 128, 16
BUCKETS, MAX_DISTANCE = 320, 800


class KaldiFilterBank(nn.Module):
    """Waveform -> normalised log-mel energies, as computed by Kaldi without dither and with snip-edges."""

    window: Tensor
    mel: Tensor

    def __init__(self):
        super().__init__()
        povey = torch.hann_window(WINDOW_SAMPLES, periodic=False, dtype=torch.float64).pow(0.85).float()
        self.register_buffer("window", povey, persistent=False)
        mel = kaldi_mel_bands(
            bands=MEL_BANDS, sample_rate=SAMPLE_RATE, n_fft=N_FFT, low_hz=MEL_MIN_HZ, high_hz=MEL_MAX_HZ
        )
        self.register_buffer("mel", mel, persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Transform a waveform (N, samples) at 16 kHz in [-1, 1] to (N, frames, 128); one second has 98 frames."""
        frames = (waveform * INT16_RANGE).unfold(1, WINDOW_SAMPLES, HOP_SAMPLES)
        frames = frames - frames.mean(dim=2, keepdim=True)
        # The first sample of a frame is its own predecessor.
        previous = F.pad(frames, (1, 0), mode="replicate")[..., :-1]
        power = power_spectrum((frames - PRE_EMPHASIS * previous) * self.window, n_fft=N_FFT)
        energies = (power @ self.mel.T).clamp(min=ENERGY_FLOOR).log()
        return (energies - MEAN) / (2 * DEVIATION)


class RelativePositions(nn.Embedding):
    """A learned bias per head and distance between two tokens; long distances share buckets, as in T5."""

    def __init__(self):
        super().__init__(BUCKETS, HEADS)

    def forward(self, tokens: int) -> Tensor:  # type: ignore[override]  # an embedding of distances, not of indices
        """Return the bias (heads, tokens, tokens) of a query (row) towards a key (column)."""
        positions = torch.arange(tokens, device=self.weight.device)
        return super().forward(bucket_of(positions[None, :] - positions[:, None])).permute(2, 0, 1)


def bucket_of(offset: Tensor) -> Tensor:
    """Return the bucket of a key that lies `offset` tokens after its query; int64 of any shape.

    160 buckets are for keys up to the query, 160 for keys after it. In each half, 80 buckets hold a single distance and 80
    grow logarithmically up to `MAX_DISTANCE`; the last one also holds everything beyond.
    """
    half = BUCKETS // 2
    exact = half // 2
    distance = offset.abs()
    growth = torch.log(distance.clamp(min=exact).float() / exact) / math.log(MAX_DISTANCE / exact)
    far = (exact + (growth * (half - exact)).long()).clamp(max=half - 1)
    return torch.where(distance < exact, distance, far) + half * (offset > 0)


class GatedAttention(nn.Module):
    """Self-attention whose position bias is scaled by a gate computed from the query, as in WavLM."""

    def __init__(self):
        super().__init__()
        self.q_proj, self.k_proj = nn.Linear(CHANNELS, CHANNELS), nn.Linear(CHANNELS, CHANNELS)
        self.v_proj, self.out_proj = nn.Linear(CHANNELS, CHANNELS), nn.Linear(CHANNELS, CHANNELS)
        self.grep_linear = nn.Linear(CHANNELS // HEADS, 8)
        self.grep_a = nn.Parameter(torch.ones(1, HEADS, 1, 1))

    def forward(self, x: Tensor, position_bias: Tensor) -> Tensor:
        """Attend within x (N, tokens, 768), with position_bias (heads, tokens, tokens); returns the shape of x."""
        projections = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        query, key, value = (part.unflatten(2, (HEADS, -1)).transpose(1, 2) for part in projections)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=self.gate(query) * position_bias)
        return self.out_proj(attended.transpose(1, 2).flatten(2))

    def gate(self, query: Tensor) -> Tensor:
        """Compute the gate (N, heads, tokens, 1), between 1 and 1 + grep_a, of an unscaled query (N, heads, tokens, 64)."""
        update, reset = self.grep_linear(query).unflatten(3, (2, 4)).sum(dim=4).sigmoid().chunk(2, dim=3)
        return update * (reset * self.grep_a - 1.0) + 2.0


class EncoderLayer(nn.Module):
    """A post-norm transformer layer whose residuals DeepNorm scales by `residual_scale`."""

    def __init__(self, residual_scale: float):
        super().__init__()
        self.residual_scale = residual_scale
        self.self_attn = GatedAttention()
        self.self_attn_layer_norm = nn.LayerNorm(CHANNELS)
        self.fc1, self.fc2 = nn.Linear(CHANNELS, HIDDEN_CHANNELS), nn.Linear(HIDDEN_CHANNELS, CHANNELS)
        self.final_layer_norm = nn.LayerNorm(CHANNELS)

    def forward(self, x: Tensor, position_bias: Tensor) -> Tensor:
        x = self.self_attn_layer_norm(self.residual_scale * x + self.self_attn(x, position_bias))
        return self.final_layer_norm(self.residual_scale * x + self.fc2(F.gelu(self.fc1(x))))


class Encoder(nn.Module):
    """Tokens (N, tokens, 768) -> the same shape: a convolutional position embedding, then the layers."""

    def __init__(self, layers: int):
        super().__init__()
        self.pos_conv = nn.Conv1d(
            CHANNELS, CHANNELS, POSITION_KERNEL, padding=POSITION_KERNEL // 2, groups=POSITION_GROUPS
        )
        self.layer_norm = nn.LayerNorm(CHANNELS)
        self.relative_positions = RelativePositions()
        residual_scale = (2 * layers) ** 0.25
        self.layers = nn.ModuleList(EncoderLayer(residual_scale) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        positions = self.pos_conv(x.transpose(1, 2))[..., :-1]  # an even kernel yields one extra token
        x = self.layer_norm(x + F.gelu(positions).transpose(1, 2))
        position_bias = self.relative_positions(x.shape[1])
        for layer in self.layers:
            x = layer(x, position_bias)
        return x


class BEATs(nn.Module):
    """forward: waveform -> (embedding F_a, logits W_c^A F_a of Eq. 1). Tests use fewer than 12 `layers`."""

    sample_rate = SAMPLE_RATE
    embedding_channels = CHANNELS

    def __init__(self, num_classes: int = 527, layers: int = 12):
        super().__init__()
        self.num_classes = num_classes
        self.front_end = KaldiFilterBank()
        self.patch_embedding = nn.Conv2d(1, PATCH_CHANNELS, PATCH, stride=PATCH, bias=False)
        self.layer_norm = nn.LayerNorm(PATCH_CHANNELS)
        self.post_extract_proj = nn.Linear(PATCH_CHANNELS, CHANNELS)
        self.encoder = Encoder(layers)
        self.predictor = nn.Linear(CHANNELS, num_classes)

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a waveform (N, samples) at 16 kHz in [-1, 1] to embedding (N, 768) and logits (N, K_a), means over tokens.

        Raises ValueError for any other shape, or for less than 0.175 s, the length of one token.
        """
        check_waveform(waveform, WINDOW_SAMPLES + (PATCH - 1) * HOP_SAMPLES)
        tokens = self.encoder(self.embed(self.front_end(waveform)))
        return tokens.mean(dim=1), self.predictor(tokens).mean(dim=1)

    def embed(self, energies: Tensor) -> Tensor:
        """Embed energies (N, frames, 128) as tokens (N, 8 (frames // 16), 768), ordered by time, then by band."""
        patches = self.patch_embedding(energies.unsqueeze(1)).flatten(2).transpose(1, 2)
        return self.post_extract_proj(self.layer_norm(patches))

    def head(self) -> nn.Module:
        """Return the classifier, which stays frozen while C3N trains (section IV-A of the paper)."""
        return self.predictor
