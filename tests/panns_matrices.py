"""The front end that the public PANNs checkpoints hold beside their weights, by librosa, for tests."""

from __future__ import annotations

import librosa
import numpy as np
import torch

PUBLIC_BUFFERS = {32000: (513, 1024), 16000: (257, 512)}  # rows and columns of the STFT matrices


def fixed_matrices(sample_rate: int) -> dict[str, torch.Tensor]:
    """The buffers of a public checkpoint: a windowed DFT as two convolutions, and librosa's mel bands."""
    bins, n_fft = PUBLIC_BUFFERS[sample_rate]
    angle = 2 * np.pi * np.outer(np.arange(bins), np.arange(n_fft)) / n_fft
    window = librosa.filters.get_window("hann", n_fft, fftbins=True)
    high_hz = {32000: 14000, 16000: 8000}[sample_rate]
    mel = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=64, fmin=50, fmax=high_hz)
    return {
        "spectrogram_extractor.stft.conv_real.weight": torch.from_numpy(np.cos(angle) * window).float()[:, None],
        "spectrogram_extractor.stft.conv_imag.weight": torch.from_numpy(-np.sin(angle) * window).float()[:, None],
        "logmel_extractor.melW": torch.from_numpy(mel.T.copy()),
    }
