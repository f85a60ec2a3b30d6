"""MP3 as audio_capture's encoder makes it: LAME's frames, each stamped by the samples that went in before it."""

from __future__ import annotations

import av
import numpy as np


def encode_mp3(samples: np.ndarray, rate: int, bit_rate: int = 64_000) -> list[bytes]:
    """float32 (n, channels) -> the frames of a constant bit rate."""
    layout = "mono" if samples.shape[1] == 1 else "stereo"
    encoder = av.CodecContext.create("libmp3lame", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = rate, layout, "fltp", bit_rate
    encoder.open()
    frames = []
    for at in range(0, len(samples) - encoder.frame_size + 1, encoder.frame_size):
        piece = np.ascontiguousarray(samples[at : at + encoder.frame_size].T)
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
        frame.sample_rate = rate
        frames += [bytes(packet) for packet in encoder.encode(frame)]
    return frames + [bytes(packet) for packet in encoder.encode(None)]


def frame_ns(rate: int) -> float:
    """How long a frame is."""
    return (1152 if rate >= 32_000 else 576) * 1e9 / rate
