"""YAMNet (Plakal and Ellis, github.com/tensorflow/models/tree/master/research/audioset/yamnet), a tagger trained on parts of 0.96 s.

A MobileNetV1 (Howard et al., arXiv:1704.04861) on VGGish's log-mel examples with another offset. It knows 521 of AudioSet's 527
classes. Batch norms are folded into the convolutions, as in its public TFLite file; `weights/yamnet.py` reads that.

    waveform -> log-mel, one example of 96 x 64 a second -> MobileNetV1 -> 1024 -> logits, means over the seconds

The mean over seconds, which is not of YAMNet itself, is weighted by their RMS level: a pause says little of what was heard.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from c3n_model.network.audio.mel import check_waveform
from c3n_model.network.audio.vggish import EXAMPLE_FRAMES, SAMPLE_RATE, LogMel

NUM_CLASSES = 521
LOG_OFFSET = 0.001
SECOND_FRAMES = 100
SMALLEST_POWER = 1e-12  # so that the seconds of digital silence count alike
CHANNELS = (32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)  # of the first convolution and of the 13 separable ones
STRIDES = (2, 1, 2, 1, 2, 1, 2, *[1] * 5, 2, 1)


class YAMNet(nn.Module):
    """forward: waveform -> (embedding, logits), means over its seconds, weighted by how loud they are."""

    sample_rate = SAMPLE_RATE
    embedding_channels = CHANNELS[-1]
    num_classes = NUM_CLASSES

    def __init__(self):
        super().__init__()
        self.front_end = LogMel(LOG_OFFSET)
        layers: list[nn.Module] = [SameConvolution(1, CHANNELS[0], stride=STRIDES[0])]
        for channels, out, stride in zip(CHANNELS, CHANNELS[1:], STRIDES[1:]):
            layers += [SameConvolution(channels, channels, stride=stride, groups=channels)]
            layers += [SameConvolution(channels, out, kernel=1)]
        # With channels last a second takes half of the time: small maps of many channels.
        self.layers = nn.Sequential(*layers).to(memory_format=torch.channels_last)
        self.classifier = nn.Linear(self.embedding_channels, NUM_CLASSES)

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """Classify a waveform (N, samples) of whole seconds at 16 kHz in [-1, 1]: embedding (N, 1024) and logits (N, 521).

        The last 40 ms of each second are not heard. Raises ValueError for less than a second.
        """
        check_waveform(waveform, SAMPLE_RATE)
        bands = self.front_end.bands(waveform)
        starts = range(0, waveform.shape[1] // SAMPLE_RATE * SECOND_FRAMES, SECOND_FRAMES)
        examples = torch.stack([bands[:, start : start + EXAMPLE_FRAMES] for start in starts], dim=1)
        maps = self.layers(examples.flatten(0, 1)[:, None])
        embeddings = maps.mean(dim=(2, 3)).unflatten(0, (len(waveform), len(starts)))
        seconds = waveform[:, : len(starts) * SAMPLE_RATE].unflatten(1, (len(starts), SAMPLE_RATE))
        level = seconds.square().mean(dim=2).add(SMALLEST_POWER).sqrt()
        embedding = (embeddings * (level / level.sum(dim=1, keepdim=True))[:, :, None]).sum(dim=1)
        return embedding, self.classifier(embedding)


class SameConvolution(nn.Module):
    """A convolution with ReLU6 whose input is padded as TensorFlow's "SAME": at the end first."""

    def __init__(self, channels: int, out: int, *, kernel: int = 3, stride: int = 1, groups: int = 1):
        super().__init__()
        self.convolution = nn.Conv2d(channels, out, kernel, stride=stride, groups=groups)
        missing = max(kernel - stride, 0)  # for sides that the stride divides, as here
        self.padding = (missing // 2, missing - missing // 2)

    def forward(self, maps: Tensor) -> Tensor:
        """Transform maps (N, C, H, W)."""
        return F.relu6(self.convolution(F.pad(maps, self.padding * 2)))
