"""PANNs: convolutional AudioSet taggers (Kong et al., IEEE/ACM TASLP 2020). C3N's authors use `Cnn14_16k`.

Dropout and SpecAugment are omitted: C3N keeps its audio encoder frozen and in eval mode. `weights/panns.py` converts the
public checkpoints.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from c3n_model.network.audio.mel import check_waveform, slaney_mel_bands
from c3n_model.network.audio.spectra import power_spectrogram

MEL_BANDS = 64
MEL_MIN_HZ = 50.0
POWER_FLOOR = 1e-10
# sample rate -> samples of FFT and window, samples of the 10 ms hop, upper limit of the mel bands in Hz
_SPECTROGRAMS = {32_000: (1024, 320, 14_000.0), 16_000: (512, 160, 8_000.0)}


class LogMel(nn.Module):
    """Waveform -> log-mel image in dB, as in torchlibrosa: power of a periodic Hann STFT, Slaney's mel bands."""

    window: Tensor
    mel: Tensor

    def __init__(self, sample_rate: int):
        super().__init__()
        self.n_fft, self.hop_samples, high_hz = _SPECTROGRAMS[sample_rate]
        self.register_buffer("window", torch.hann_window(self.n_fft, periodic=True), persistent=False)
        mel = slaney_mel_bands(
            bands=MEL_BANDS, sample_rate=sample_rate, n_fft=self.n_fft, low_hz=MEL_MIN_HZ, high_hz=high_hz
        )
        self.register_buffer("mel", mel, persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Transform a waveform (N, samples) in [-1, 1] to (N, 1, frames, 64) in dB; one second has 101 frames."""
        power = power_spectrogram(waveform, self.window, n_fft=self.n_fft, hop=self.hop_samples, center=True)
        return decibels(self.mel @ power).transpose(1, 2).unsqueeze(1)


class ConvBlock(nn.Module):
    """Two 3x3 convolutions, then average pooling of `pool` x `pool`."""

    def __init__(self, channels: int, out: int, pool: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(out), nn.BatchNorm2d(out)
        self.pool = nn.AvgPool2d(pool)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        return self.pool(F.relu(self.bn2(self.conv2(x))))


def _cnn14() -> nn.Sequential:
    widths = [1, 64, 128, 256, 512, 1024, 2048]
    pools = [2, 2, 2, 2, 2, 1]
    return nn.Sequential(*(ConvBlock(*block) for block in zip(widths[:-1], widths[1:], pools, strict=True)))


def _mobilenet_v1() -> nn.Sequential:
    widths = [32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024]
    pools = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
    blocks = [nn.Sequential(*_convolution(1, 32, kernel=3, pool=2))]
    for channels, out, size in zip(widths[:-1], widths[1:], pools, strict=True):
        depthwise = _convolution(channels, channels, kernel=3, groups=channels, pool=size)
        blocks.append(nn.Sequential(*depthwise, *_convolution(channels, out, kernel=1)))
    return nn.Sequential(*blocks)


def _convolution(channels: int, out: int, *, kernel: int, groups: int = 1, pool: int | None = None) -> list[nn.Module]:
    convolution = nn.Conv2d(channels, out, kernel, padding=kernel // 2, groups=groups, bias=False)
    # Pooling replaces the stride; a pool of 1 only preserves the layer numbering.
    pooling = [] if pool is None else [nn.AvgPool2d(pool)]
    return [convolution, *pooling, nn.BatchNorm2d(out), nn.ReLU()]


# name -> sample rate in Hz, convolutions, their output channels (also those of the embedding)
PANNS = {
    "panns_cnn14": (32_000, _cnn14, 2048),
    "panns_cnn14_16k": (16_000, _cnn14, 2048),
    "panns_mobilenet_v1": (32_000, _mobilenet_v1, 1024),
}


class Panns(nn.Module):
    """One of `PANNS`. forward: waveform -> (embedding F_a, logits W_c^A F_a of Eq. 1)."""

    def __init__(self, name: str, num_classes: int = 527):
        """Raises ValueError for an unknown name."""
        super().__init__()
        if name not in PANNS:
            raise ValueError(f"unknown PANNs encoder {name!r}; known: {', '.join(PANNS)}")
        self.sample_rate, build_features, self.embedding_channels = PANNS[name]
        self.num_classes = num_classes
        self.front_end = LogMel(self.sample_rate)
        self.features = build_features()
        self.bn0 = nn.BatchNorm2d(MEL_BANDS)
        self.fc1 = nn.Linear(self.embedding_channels, self.embedding_channels)
        self.fc_audioset = nn.Linear(self.embedding_channels, num_classes)
        self._minimum_samples = 31 * self.front_end.hop_samples  # 32 frames, which the pooling reduces to one

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a waveform (N, samples) in [-1, 1] at `sample_rate` to embedding (N, d) >= 0 and logits (N, K_a).

        Raises ValueError for any other shape or less than 0.31 s.
        """
        check_waveform(waveform, self._minimum_samples)
        image = self.front_end(waveform)
        image = self.bn0(image.transpose(1, 3)).transpose(1, 3)  # one mean and scale per mel band
        embedding = F.relu(self.fc1(pool(self.features(image))))
        return embedding, self.fc_audioset(embedding)

    def head(self) -> nn.Module:
        """Return the classifier, which stays frozen while C3N trains (section IV-A of the paper)."""
        return self.fc_audioset


def pool(features: Tensor) -> Tensor:
    """Pool (N, C, frames, bands) to (N, C): mean over the bands, then maximum plus mean over the frames."""
    over_time = features.mean(dim=3)
    return over_time.amax(dim=2) + over_time.mean(dim=2)


def decibels(power: Tensor) -> Tensor:
    """Convert power of any shape to dB, at least 10 log10(POWER_FLOOR)."""
    return 10.0 * power.clamp(min=POWER_FLOOR).log10()
