"""A state dict as the authors' code saves it, an audio encoder to go with it, and their arithmetic written out, for tests."""

from __future__ import annotations

import timm
import torch
from einops import rearrange, repeat
from original_names import original_pvt_name, original_swin_name
from torch.nn import functional as F

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


def their_label(visual_logits: torch.Tensor, audio_scores: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """The visual class that their C3IM takes, by softmaxes and powers; matrix (K_v, K_a), scores (N, K)."""
    visual, audio = visual_logits.softmax(dim=1) ** 0.1, audio_scores.softmax(dim=1) ** 0.1
    weights = audio[:, None, :] * matrix * visual[:, :, None]
    return weights.flatten(1).argmax(dim=1) // matrix.shape[1]


def their_mask(theirs: dict, maps: list[torch.Tensor], audio: torch.Tensor, *, training: bool = False) -> torch.Tensor:
    """Run their network after CCAM, by their names: maps [(T, C_vi, H_i, W_i)] x 4, audio (T, d) -> logits (T, H, W).

    In training the batch norm takes the statistics of all T frames.
    """

    def of(name: str) -> tuple[torch.Tensor, torch.Tensor]:
        return theirs[f"{name}.weight"], theirs[f"{name}.bias"]

    def pyramid(stage: int, x: torch.Tensor) -> torch.Tensor:
        pooled = F.conv2d(x.mean((2, 3), keepdim=True), *of(f"conv{stage}.conv"))
        branches = [
            F.interpolate(pooled, size=x.shape[2:], mode="bilinear"),
            F.conv2d(x, *of(f"conv{stage}.atrous_block1")),
        ]
        for rate in (6, 12, 18):
            branches.append(F.conv2d(x, *of(f"conv{stage}.atrous_block{rate}"), padding=rate, dilation=rate))
        return F.conv2d(torch.cat(branches, 1), *of(f"conv{stage}.conv_1x1_output"))

    def non_local(stage: int, x: torch.Tensor) -> torch.Tensor:
        name, (_, _, height, width) = f"tpavi_{stage}", x.shape
        clip = rearrange(x, "t c h w -> 1 c t h w")
        heard = repeat(F.linear(audio, *of(f"{name}.align_channel")), "t c -> 1 c t h w", h=height, w=width)
        query, key, value = (
            F.conv3d(source, *of(f"{name}.{part}")).flatten(2)[0]
            for part, source in (("theta", clip), ("phi", heard), ("g", clip))
        )
        affinity = query.T @ key / key.shape[1]  # (T H W) x (T H W)
        answer = rearrange(value @ affinity.T, "c (t h w) -> 1 c t h w", h=height, w=width)
        answer = F.conv3d(answer, *of(f"{name}.W_z.0"))
        statistics = (theirs[f"{name}.W_z.1.running_mean"], theirs[f"{name}.W_z.1.running_var"])
        statistics = (None, None) if training else statistics
        normalised = F.batch_norm(answer, *statistics, *of(f"{name}.W_z.1"), training=training)
        summed = (normalised + clip)[0].movedim(0, -1)  # T H W C
        return F.layer_norm(summed, summed.shape[-1:], *of(f"{name}.norm_layer")).movedim(-1, 1)

    def unit(name: str, x: torch.Tensor) -> torch.Tensor:
        positive = x.relu()  # in place there, so it is what the sum sees
        inner = F.conv2d(positive, *of(f"{name}.conv1"), padding=1).relu()
        return F.conv2d(inner, *of(f"{name}.conv2"), padding=1) + positive

    def enlarge(x: torch.Tensor, align_corners: bool) -> torch.Tensor:
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=align_corners)

    fused = [non_local(stage, pyramid(stage, x)) for stage, x in enumerate(maps, start=1)]
    y = enlarge(unit("path4.resConfUnit2", fused[3]), True)
    for stage in (3, 2, 1):
        y = enlarge(unit(f"path{stage}.resConfUnit2", y + unit(f"path{stage}.resConfUnit1", fused[stage - 1])), True)
    y = enlarge(F.conv2d(y, *of("output_conv.0"), padding=1), False)
    y = F.conv2d(y, *of("output_conv.2"), padding=1).relu()
    return F.conv2d(y, *of("output_conv.4"))[:, 0]
