"""VGGish (Hershey et al., ICASSP 2017), the audio encoder of AVSBench and of the paper's first rows, with an AudioSet head.

The public VGGish ends at its 128-d embedding and has no classifier. The class scores come from a head trained on the
embeddings that AudioSet released (`c3n train-vggish-head`): the "feature-level single attention" of Kong et al. (TASLP 2019).

    snippet ─► log-mel 96 x 64 ─► VGG ─► F_a (128, after ReLU) ─► PCA, 8 bits ─► head ─► logits

The names in `features` and `embeddings` follow the public checkpoint `vggish-10086976.pth`; see `weights/vggish.py`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from c3n_model.network.audio.mel import check_waveform, kaldi_mel_bands
from c3n_model.network.audio.spectra import power_spectrogram

SAMPLE_RATE = 16_000
WINDOW_SAMPLES = 400  # 25 ms
HOP_SAMPLES = 160  # 10 ms
N_FFT = 512
EXAMPLE_FRAMES = 96  # input of VGGish: 0.96 s of hops, 0.975 s of samples
EXAMPLE_SAMPLES = (EXAMPLE_FRAMES - 1) * HOP_SAMPLES + N_FFT
MEL_BANDS = 64
MEL_MIN_HZ, MEL_MAX_HZ = 125.0, 7_500.0
LOG_OFFSET = 0.01
EMBEDDING_CHANNELS = 128
WHITENED_LIMIT = 2.0  # AudioSet's release clips whitened channels to [-2, 2] and stores 8 bits
HEAD_CHANNELS = 1024
HEAD_DROPOUT = 0.5


class LogMel(nn.Module):
    """Waveform -> log-mel example: magnitude STFT without centring, HTK mel bands, log(x + 0.01).

    Only the first 96 of a second's 98 frames are used, because VGGish takes 0.96 s at a time. Consecutive examples, as in
    AVSBench, drift ahead of the video by 40 ms per second. Here every example starts with the second that it belongs to, and
    the last 25 ms of that second are ignored.
    """

    window: Tensor
    mel: Tensor

    def __init__(self, log_offset: float = LOG_OFFSET):
        super().__init__()
        self.log_offset = log_offset
        window = torch.zeros(N_FFT)  # the 400 samples start the transform; torch.stft would centre a shorter window
        window[:WINDOW_SAMPLES] = torch.hann_window(WINDOW_SAMPLES, periodic=True)
        self.register_buffer("window", window, persistent=False)
        # VGGish's HTK bands omit the DC bin and end below the Nyquist bin, so they equal Kaldi's
        mel = kaldi_mel_bands(
            bands=MEL_BANDS, sample_rate=SAMPLE_RATE, n_fft=N_FFT, low_hz=MEL_MIN_HZ, high_hz=MEL_MAX_HZ
        )
        self.register_buffer("mel", mel, persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Transform a waveform (N, 16000) at 16 kHz in [-1, 1] to (N, 1, 96, 64), time by mel.

        Raises ValueError for other lengths.
        """
        check_waveform(waveform, SAMPLE_RATE)
        if waveform.shape[1] > SAMPLE_RATE:
            raise ValueError(
                f"expected a snippet of one second, {SAMPLE_RATE} samples at 16 kHz, got {waveform.shape[1]} samples; "
                "resample, and split longer sound into seconds"
            )
        return self.bands(waveform[:, :EXAMPLE_SAMPLES]).unsqueeze(1)

    def bands(self, waveform: Tensor) -> Tensor:
        """Transform a waveform (N, samples) of any length to all its frames (N, frames, 64), one every 10 ms."""
        magnitude = power_spectrogram(waveform, self.window, n_fft=N_FFT, hop=HOP_SAMPLES, center=False).sqrt()
        return (self.mel @ magnitude + self.log_offset).log().transpose(1, 2)


class Whitening(nn.Module):
    """PCA whitening and 8-bit quantisation of AudioSet's released embeddings. Whitens by the identity until loaded.

    The head was trained on quantised levels, so the class scores need them; F_a is not quantised.
    """

    pca_eigen_vectors: Tensor
    pca_means: Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("pca_eigen_vectors", torch.eye(EMBEDDING_CHANNELS))
        self.register_buffer("pca_means", torch.zeros(EMBEDDING_CHANNELS, 1))

    def forward(self, embedding: Tensor) -> Tensor:
        """Whiten and quantise an embedding (N, 128) to levels (N, 128), integers 0..255 as floats."""
        whitened = (embedding - self.pca_means[:, 0]) @ self.pca_eigen_vectors.T
        clamped = whitened.clamp(-WHITENED_LIMIT, WHITENED_LIMIT)
        return ((clamped + WHITENED_LIMIT) * (255.0 / (2 * WHITENED_LIMIT))).round()


def rescale_levels(levels: Tensor) -> Tensor:
    """Rescale 8-bit levels 0..255 to [-1, 1), the input range of the head."""
    return (levels.float() - 128.0) / 128.0


class AttentionHead(nn.Module):
    """Feature-level single attention: a bag of seconds -> AudioSet logits of the bag."""

    def __init__(self, num_classes: int = 527):
        super().__init__()
        self.num_classes = num_classes
        self.layers = nn.Sequential(
            nn.BatchNorm1d(EMBEDDING_CHANNELS),
            *_layer(EMBEDDING_CHANNELS, HEAD_CHANNELS),
            *_layer(HEAD_CHANNELS, HEAD_CHANNELS),
            *_layer(HEAD_CHANNELS, HEAD_CHANNELS),
        )
        self.attention = nn.Conv1d(HEAD_CHANNELS, HEAD_CHANNELS, 1)
        self.content = nn.Conv1d(HEAD_CHANNELS, HEAD_CHANNELS, 1)
        self.output = nn.Sequential(
            nn.BatchNorm1d(HEAD_CHANNELS), nn.ReLU(), nn.Dropout(HEAD_DROPOUT), nn.Linear(HEAD_CHANNELS, num_classes)
        )

    def forward(self, bags: Tensor) -> Tensor:
        """Classify bags (N, T, 128), rescaled levels of T seconds: logits (N, num_classes)."""
        features = self.layers(bags.transpose(1, 2))  # (N, 1024, T)
        return self.output(self.pool(features))

    def pool(self, features: Tensor) -> Tensor:
        """Average the content of features (N, 1024, T) over time, weighted by the attention: (N, 1024).

        For one second the weight cancels.
        """
        weight = self.attention(features).sigmoid().clamp(1e-7, 1 - 1e-7)
        return (weight / weight.sum(dim=2, keepdim=True) * self.content(features)).sum(dim=2)


class VGGish(nn.Module):
    """forward: waveform -> (embedding F_a, logits W_c^A F_a of Eq. 1)."""

    sample_rate = SAMPLE_RATE
    embedding_channels = EMBEDDING_CHANNELS

    def __init__(self, num_classes: int = 527):
        super().__init__()
        self.num_classes = num_classes
        self.front_end = LogMel()
        self.features = nn.Sequential(
            *_convolution(1, 64), nn.MaxPool2d(2),
            *_convolution(64, 128), nn.MaxPool2d(2),
            *_convolution(128, 256), *_convolution(256, 256), nn.MaxPool2d(2),
            *_convolution(256, 512), *_convolution(512, 512), nn.MaxPool2d(2),
        )  # fmt: skip
        flat = 512 * (EXAMPLE_FRAMES // 16) * (MEL_BANDS // 16)
        self.embeddings = nn.Sequential(
            nn.Linear(flat, 4096), nn.ReLU(),
            nn.Linear(4096, 4096), nn.ReLU(),
            nn.Linear(4096, EMBEDDING_CHANNELS), nn.ReLU(),
        )  # fmt: skip
        self.whitening = Whitening()
        self.classifier = AttentionHead(num_classes)

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a waveform (N, 16000), one second at 16 kHz in [-1, 1], to embedding (N, 128) and logits (N, K_a).

        Raises ValueError for snippets of another length.
        """
        embedding = self.embed(self.front_end(waveform))
        second = rescale_levels(self.whitening(embedding)).unsqueeze(1)  # a bag of T = 1
        return embedding, self.classifier(second)

    def embed(self, log_mel: Tensor) -> Tensor:
        """Embed log_mel (N, 1, 96, 64) as a non-negative embedding (N, 128)."""
        maps = self.features(log_mel)  # (N, 512, 6, 4)
        return self.embeddings(maps.permute(0, 2, 3, 1).flatten(1))  # channels last, as in TensorFlow's flatten

    def head(self) -> nn.Module:
        """Return the classifier, which stays frozen while C3N trains (section IV-A of the paper)."""
        return self.classifier


def _convolution(channels: int, out: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(channels, out, 3, padding=1), nn.ReLU()


def _layer(channels: int, out: int) -> tuple[nn.Module, ...]:
    return nn.Conv1d(channels, out, 1, bias=False), nn.BatchNorm1d(out), nn.ReLU(), nn.Dropout(HEAD_DROPOUT)
