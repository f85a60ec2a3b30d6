"""A state dict as the authors' code saves it, and an audio encoder to go with it, for tests."""

from __future__ import annotations

import timm
import torch
from original_names import original_pvt_name, original_swin_name

AUDIO_CLASSES, VISUAL_CLASSES = 4, 6
SWIN = "swin_tiny_patch4_window7_224"


class StubAudio(torch.nn.Module):
    """An audio encoder of the given width that hears noise."""

    sample_rate = 16000
    num_classes = AUDIO_CLASSES

    def __init__(self, width: int):
        super().__init__()
        self.embedding_channels = width
        self.classifier = torch.nn.Linear(width, AUDIO_CLASSES)

    def forward(self, waveform):
        embedding = waveform[:, : self.embedding_channels]
        return embedding, self.classifier(embedding)

    def head(self):
        return self.classifier


def sizes_outside_the_backbone(widths: list[int], audio: int, channels: int, head: tuple[int, int]) -> dict:
    """name -> shape of what their network adds to the backbone."""
    sizes = {}

    def layer(name: str, *weight: int):
        sizes[f"{name}.weight"], sizes[f"{name}.bias"] = weight, weight[:1]

    for stage, width in enumerate(widths, start=1):
        for name, kernel in (("conv", 1), ("atrous_block1", 1), ("atrous_block6", 3), ("atrous_block12", 3), ("atrous_block18", 3)):  # fmt: skip
            layer(f"conv{stage}.{name}", channels, width, kernel, kernel)
        layer(f"conv{stage}.conv_1x1_output", channels, 5 * channels, 1, 1)
        for unit in (1, 2):
            for conv in (1, 2):
                layer(f"path{stage}.resConfUnit{unit}.conv{conv}", channels, channels, 3, 3)
        layer(f"tpavi_{stage}.align_channel", channels, audio)
        layer(f"tpavi_{stage}.norm_layer", channels)
        for name in ("g", "theta", "phi"):
            layer(f"tpavi_{stage}.{name}", channels // 2, channels, 1, 1, 1)
        layer(f"tpavi_{stage}.W_z.0", channels, channels // 2, 1, 1, 1)
        layer(f"tpavi_{stage}.W_z.1", channels)
        for name in ("running_mean", "running_var"):
            sizes[f"tpavi_{stage}.W_z.1.{name}"] = (channels,)
        sizes[f"tpavi_{stage}.W_z.1.num_batches_tracked"] = ()
    layer("output_conv.0", head[0], channels, 3, 3)
    layer("output_conv.2", head[1], head[0], 3, 3)
    layer("output_conv.4", 1, head[1], 1, 1)
    return sizes


def their_checkpoint(visual: str, audio: int, *, channels=16, head=(8, 8), classes=VISUAL_CLASSES) -> dict:
    """A state dict with the names and shapes of their code, random."""
    backbone = timm.create_model(visual, num_classes=classes)
    original = original_swin_name if "swin" in visual else original_pvt_name
    tensors = {original(name): tensor for name, tensor in backbone.state_dict().items()}
    widths = [stage["num_chs"] for stage in backbone.feature_info]
    if "swin" in visual:
        del tensors["norm.weight"], tensors["norm.bias"]
        tensors["layers.0.blocks.0.attn.relative_position_index"] = torch.zeros(49, 49, dtype=torch.long)
        for stage, width in enumerate(widths):
            tensors |= {f"norm{stage}.weight": torch.rand(width) + 0.5, f"norm{stage}.bias": torch.randn(width)}
    theirs = {f"encoder_backbone.{name}": tensor for name, tensor in tensors.items()}
    for name, shape in sizes_outside_the_backbone(widths, audio, channels, head).items():
        fan_in = max(1, torch.Size(shape[1:]).numel()) if len(shape) > 1 else 4
        theirs[name] = torch.randn(shape) / fan_in**0.5
        if name.endswith("running_var"):
            theirs[name] = theirs[name].abs() + 0.5
        if name.endswith("num_batches_tracked"):
            theirs[name] = torch.tensor(7)
    return theirs
