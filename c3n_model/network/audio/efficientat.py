"""EfficientAT: MobileNetV3 audio taggers distilled from transformers (Schmid et al., ICASSP 2023).

`mn04` (0.98 M parameters) reaches 43.2 mAP on AudioSet, as much as PANNs' Cnn14 with 81 M: the encoder for robots.
Module names follow the public checkpoints (`mn04_as_mAP_432.pt`), which load strictly.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from c3n_model.network.audio.mel import kaldi_mel_bands
from c3n_model.network.audio.spectra import power_spectrogram

SAMPLE_RATE = 32_000
N_FFT = 1024
WINDOW_SAMPLES = 800  # 25 ms
HOP_SAMPLES = 320  # 10 ms
MEL_BANDS = 128
MEL_MAX_HZ = 15_000.0
PRE_EMPHASIS = 0.97

# kernel, expanded channels, output channels, squeeze-excitation, hard-swish, stride: MobileNetV3-large at width 1.
_BLOCKS = [
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
]


class LogMel(nn.Module):
    """Waveform -> log-mel image: pre-emphasis, power STFT, Kaldi mel bands, log, fixed scaling."""

    window: Tensor
    mel: Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("window", torch.hann_window(WINDOW_SAMPLES, periodic=False), persistent=False)
        mel = kaldi_mel_bands(bands=MEL_BANDS, sample_rate=SAMPLE_RATE, n_fft=N_FFT, low_hz=0.0, high_hz=MEL_MAX_HZ)
        self.register_buffer("mel", mel, persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Transform a waveform (N, samples) at 32 kHz in [-1, 1] to (N, 1, 128, frames), 100 frames per second."""
        emphasised = waveform[:, 1:] - PRE_EMPHASIS * waveform[:, :-1]
        power = power_spectrogram(emphasised, self.window, n_fft=N_FFT, hop=HOP_SAMPLES, center=True)
        log_mel = (self.mel @ power + 1e-5).log()
        return ((log_mel + 4.5) / 5.0).unsqueeze(1)


class SqueezeExcitation(nn.Module):
    """Channel attention, nested as `conc_se_layers.0` because the checkpoints name it so."""

    def __init__(self, channels: int):
        super().__init__()
        layer = nn.Module()
        layer.fc1 = nn.Linear(channels, _divisible_by_8(channels // 4))
        layer.fc2 = nn.Linear(_divisible_by_8(channels // 4), channels)
        self.conc_se_layers = nn.ModuleList([layer])

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.conc_se_layers[0].children()  # fc1, fc2
        scale = torch.sigmoid(second(F.relu(first(x.mean(dim=(2, 3))))))
        return x * scale[:, :, None, None]


class InvertedResidual(nn.Module):
    """MobileNetV3's block: expand 1x1, depthwise, (squeeze-excitation), project 1x1, residual if shapes agree."""

    def __init__(self, channels: int, kernel: int, expanded: int, out: int, squeeze: bool, swish: bool, stride: int):
        super().__init__()
        activation = nn.Hardswish if swish else nn.ReLU
        layers: list[nn.Module] = []
        if expanded != channels:
            layers.append(_conv(channels, expanded, kernel=1, activation=activation))
        layers.append(_conv(expanded, expanded, kernel=kernel, stride=stride, groups=expanded, activation=activation))
        if squeeze:
            layers.append(SqueezeExcitation(expanded))
        layers.append(_conv(expanded, out, kernel=1, activation=None))
        self.block = nn.Sequential(*layers)
        self.residual = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        y = self.block(x)
        return x + y if self.residual else y


class EfficientAT(nn.Module):
    """`width` 0.4 is mn04. forward: waveform -> (embedding F_a, logits W_c^A F_a of Eq. 1)."""

    sample_rate = SAMPLE_RATE

    def __init__(self, num_classes: int = 527, width: float = 0.4):
        super().__init__()
        self.front_end = LogMel()
        channels = _divisible_by_8(16 * width)
        layers: list[nn.Module] = [_conv(1, channels, kernel=3, stride=2, activation=nn.Hardswish)]
        for kernel, expanded, out, squeeze, swish, stride in _BLOCKS:
            expanded, out = _divisible_by_8(expanded * width), _divisible_by_8(out * width)
            layers.append(InvertedResidual(channels, kernel, expanded, out, squeeze, swish, stride))
            channels = out
        self.embedding_channels = 6 * channels
        layers.append(_conv(channels, self.embedding_channels, kernel=1, activation=nn.Hardswish))
        self.features = nn.Sequential(*layers)
        hidden = _divisible_by_8(1280 * width)
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(self.embedding_channels, hidden),
            nn.Hardswish(), nn.Dropout(0.2), nn.Linear(hidden, num_classes),
        )  # fmt: skip
        self.num_classes = num_classes

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a waveform (N, samples) at 32 kHz in [-1, 1] to embedding (N, 384 for mn04) and logits (N, K_a)."""
        features = self.features(self.front_end(waveform))
        return features.mean(dim=(2, 3)), self.classifier(features)

    def head(self) -> nn.Module:
        """Return the classifier, which stays frozen while C3N trains (section IV-A of the paper)."""
        return self.classifier


def _conv(
    channels: int, out: int, *, kernel: int, stride: int = 1, groups: int = 1, activation: type[nn.Module] | None
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out, eps=0.001, momentum=0.01),
        *([] if activation is None else [activation(inplace=True)]),
    )


def _divisible_by_8(value: float) -> int:
    """Round to the nearest multiple of 8 without losing more than 10 %, as MobileNet does for channels."""
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded
