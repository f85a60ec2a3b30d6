"""Names of backbone tensors as their first authors write them, by rule from timm's, for tests."""

from __future__ import annotations

import re


def original_pvt_name(name: str) -> str:
    """timm's name of a PVTv2 tensor as whai362/PVT writes it."""
    name = re.sub(r"^patch_embed\.", "patch_embed1.", name)
    name = re.sub(r"^stages\.(\d)\.downsample", lambda m: f"patch_embed{int(m[1]) + 1}", name)
    name = re.sub(r"^stages\.(\d)\.blocks\.", lambda m: f"block{int(m[1]) + 1}.", name)
    name = re.sub(r"^stages\.(\d)\.norm", lambda m: f"norm{int(m[1]) + 1}", name)
    return name.replace("dwconv", "dwconv.dwconv")


def original_swin_name(name: str) -> str:
    """timm's name of a Swin tensor as microsoft/Swin-Transformer writes it: a stage ends with the downsampling."""
    name = re.sub(r"^layers\.(\d)\.downsample", lambda m: f"layers.{int(m[1]) - 1}.downsample", name)
    return name.replace("head.fc", "head")
