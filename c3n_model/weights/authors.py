"""Import of checkpoints of the authors' code (ZhaofengSHI/AVS-C3N): S4 or MS3; PVTv2 or Swin; VGGish, PANNs or BEATs.

Their state dict contains the visual backbone and all trained layers of C3N, but neither the audio encoder, which they store
separately and keep frozen, nor the label similarities. Their S4 and MS3 networks are equal, but with PANNs their S4 code passes
sigmoids to C3IM, while the paper and their MS3 code pass logits: only the name of a checkpoint may tell (`setting_of`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from c3n_model.config import ModelConfig
from c3n_model.network.visual_encoder import STAGES, VisualEncoder
from c3n_model.weights.timm_names import to_timm_names

# Their code as settings of `ModelConfig`, for all encoders.
AUTHORS = {"gate": "unit", "cam_point": "before_norm", "fusion_norm": True, "decoder": "authors"}

BACKBONE = "encoder_backbone."
AUDIO_BY_WIDTH = {128: "vggish", 2048: "panns_cnn14_16k", 768: "beats"}
PVT_BY_SHAPE = {  # channels of the first stage, number of blocks of each stage
    (32, (2, 2, 2, 2)): "pvt_v2_b0",
    (64, (2, 2, 2, 2)): "pvt_v2_b1",
    (64, (3, 4, 6, 3)): "pvt_v2_b2",
    (64, (3, 4, 18, 3)): "pvt_v2_b3",
    (64, (3, 8, 27, 3)): "pvt_v2_b4",
    (64, (3, 6, 40, 3)): "pvt_v2_b5",
}
SWIN_BY_SHAPE = {
    (96, (2, 2, 6, 2)): "swin_tiny_patch4_window7_224",
    (96, (2, 2, 18, 2)): "swin_small_patch4_window7_224",
    (128, (2, 2, 18, 2)): "swin_base_patch4_window7_224",
}

# Their names -> ours, for the layers of each of the four stages.
PYRAMID = {
    "conv": "pooled",
    "atrous_block1": "point",
    "atrous_block6": "atrous.0",
    "atrous_block12": "atrous.1",
    "atrous_block18": "atrous.2",
    "conv_1x1_output": "project",
}
FUSION = {
    "align_channel": "audio",
    "theta": "theta1",
    "phi": "theta2",
    "g": "theta3",
    "W_z.0": "theta4",
    "W_z.1": "batch_norm",
    "norm_layer": "layer_norm",
}
DECODER = {
    "resConfUnit1.conv1": ("lateral", "first"),
    "resConfUnit1.conv2": ("lateral", "second"),
    "resConfUnit2.conv1": ("merge", "first"),
    "resConfUnit2.conv2": ("merge", "second"),
}
HEAD = {"output_conv.0": "decoder.reduce", "output_conv.2": "decoder.refine", "output_conv.4": "decoder.classify"}
NEVER_USED = "path4.resConfUnit1."  # the coarsest stage is not merged with a coarser one


def setting_of(path: Path) -> str | None:
    """Return the setting that the name of a checkpoint tells, "s4" or "ms3": their train.py puts the session's name first
    (S4_pvt_aug_best.pth). None for other names."""
    found = re.match(r"(s4|ms3)(?![a-z0-9])", path.name.lower())
    return found and found[1]


def settings_of_visual(visual: str) -> dict[str, Any]:
    """Return what their code does with a visual backbone, as settings of `ModelConfig`."""
    return {"swin": "dense" if visual.startswith("swin_") else "classifier"}


def settings_of_audio(audio: str, setting: str | None) -> dict[str, Any]:
    """Return what their code does with the sound of an encoder, as settings of `ModelConfig`, for "s4" or "ms3".

    Raises ValueError for PANNs without a setting.
    """
    if audio == "vggish":
        return {"snippet_spacing_s": 0.96}
    if audio == "beats":
        return {"audio_order": "checkpoint"}
    if audio.startswith("panns") and setting not in ("s4", "ms3"):
        raise ValueError(
            f"expected the setting s4 or ms3 of a checkpoint with PANNs, got {setting}: their S4 code passes sigmoids to C3IM, "
            "their MS3 code logits; pass --setting, or give the file the name that train.py gave it, such as S4_best.pth"
        )
    return {"audio_scores": "sigmoid"} if audio.startswith("panns") and setting == "s4" else {}


def from_authors(checkpoint: Mapping[str, Tensor], setting: str | None = None) -> tuple[ModelConfig, dict[str, Tensor]]:
    """Convert their state dict, with or without DDP's `module.` prefix; `setting` is "s4" or "ms3", see `setting_of`.

    Returns the config that reproduces their code, and the state dict of `C3N` under our names, without `audio_encoder.*`,
    `similarity` and `place_in_checkpoint`.

    Raises:
        ValueError: not such a state dict, of an encoder that their code does not have, or with PANNs and without a setting.
    """
    for name, value in checkpoint.items():
        if not (isinstance(name, str) and isinstance(value, Tensor)):
            raise ValueError(
                f"expected a state dict saved by their train.py (tensors by name), got {name!r}: {type(value).__name__}"
            )
    theirs = {name.removeprefix("module."): tensor for name, tensor in checkpoint.items()}
    backbone = {name.removeprefix(BACKBONE): theirs.pop(name) for name in list(theirs) if name.startswith(BACKBONE)}
    prefixes = _prefixes()
    ours: dict[str, Tensor] = {}
    for name, tensor in theirs.items():
        prefix, _, leaf = name.rpartition(".")
        if name.startswith(NEVER_USED):
            continue
        if prefix not in prefixes:
            raise ValueError(
                f"unknown tensor {name!r} in the checkpoint; expected a state dict saved by the authors' train.py"
            )
        # Their 1x1x1 convolutions are linear layers here.
        ours[f"{prefixes[prefix]}.{leaf}"] = tensor.flatten(1) if tensor.ndim == 5 else tensor
    if not backbone or "fusions.0.audio.weight" not in ours:
        raise ValueError(
            "expected a state dict saved by the authors' train.py; encoder_backbone.* or tpavi_1.align_channel is missing"
        )
    config = _config(backbone, ours, setting)
    return config, {**ours, **_visual(backbone, config)}


def _prefixes() -> dict[str, str]:
    """Map the names of their layers outside the backbone to ours."""
    names = dict(HEAD)
    for stage in range(STAGES):
        names |= {f"conv{stage + 1}.{theirs}": f"pyramids.{stage}.{ours}" for theirs, ours in PYRAMID.items()}
        names |= {f"tpavi_{stage + 1}.{theirs}": f"fusions.{stage}.{ours}" for theirs, ours in FUSION.items()}
        for theirs, (unit, layer) in DECODER.items():
            names[f"path{stage + 1}.{theirs}"] = f"decoder.{unit}.{stage}.{layer}"
    return names


def _config(backbone: dict[str, Tensor], ours: dict[str, Tensor], setting: str | None) -> ModelConfig:
    """Infer the config from the shapes of the tensors, and set the constants of their code."""
    is_swin = any(name.startswith("layers.") for name in backbone)
    block = r"layers\.(\d)\.blocks\.(\d+)\." if is_swin else r"block(\d)\.(\d+)\."
    blocks = {match.groups() for name in backbone if (match := re.match(block, name))}
    depths = tuple(sum(stage == other for other, _ in blocks) for stage in sorted({stage for stage, _ in blocks}))
    stem = backbone.get("patch_embed.proj.weight" if is_swin else "patch_embed1.proj.weight")
    shape = (stem.shape[0] if stem is not None and stem.ndim == 4 else 0, depths)
    visual = (SWIN_BY_SHAPE if is_swin else PVT_BY_SHAPE).get(shape)
    align = ours["fusions.0.audio.weight"]
    channels, audio_width = align.shape if align.ndim == 2 else (0, tuple(align.shape))
    audio = AUDIO_BY_WIDTH.get(audio_width)
    if visual is None or audio is None:
        raise ValueError(
            f"unknown encoders: a visual backbone with {shape[0]} channels and {depths} blocks, "
            f"audio embeddings of size {audio_width}; expected PVTv2 or Swin with {', '.join(AUDIO_BY_WIDTH.values())}"
        )
    return ModelConfig(
        visual=visual,
        audio=audio,
        channels=channels,
        **AUTHORS,
        **settings_of_visual(visual),
        **settings_of_audio(audio, setting),
        presence_threshold=0.0,  # their code outputs a mask for every frame
    )


def _visual(backbone: dict[str, Tensor], config: ModelConfig) -> dict[str, Tensor]:
    """Rename the tensors of the backbone, and with Swin of the four norms of its maps, to those of `visual_encoder`."""
    norms: dict[str, Tensor] = {}
    if config.swin == "dense":
        # Their logits use the last of those norms, which here is timm's norm before the head.
        last = f"norm{STAGES - 1}."
        backbone = {
            name.replace(last, "norm.") if name.startswith(last) else name: tensor for name, tensor in backbone.items()
        }
        beside = [name for name in backbone if re.match(r"norm\d\.", name)]
        norms = {f"visual_encoder.norms.{name.removeprefix('norm')}": backbone.pop(name) for name in beside}
    with torch.device("meta"):
        encoder = VisualEncoder(config.visual, num_classes=1, swin=config.swin, cam_point=config.cam_point)
    renamed = to_timm_names(backbone, encoder.backbone)
    return norms | {f"visual_encoder.backbone.{name}": tensor for name, tensor in renamed.items()}
