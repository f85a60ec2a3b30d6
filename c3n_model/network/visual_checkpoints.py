"""Pretrained visual backbones: files with timm's names, and the original files of PVTv2 and Swin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models import pvt_v2, swin_transformer
from torch import Tensor, nn


def to_timm_names(tensors: Mapping[str, Tensor], backbone: nn.Module) -> dict[str, Tensor]:
    """A backbone's state dict with timm's names. Names of whai362/PVT (v2) and microsoft/Swin-Transformer are translated
    by timm's own rules (a Swin of another image size gets its position biases resized); all others stay."""
    if isinstance(backbone, pvt_v2.PyramidVisionTransformerV2):
        return dict(pvt_v2.checkpoint_filter_fn(dict(tensors), backbone))
    if isinstance(backbone, swin_transformer.SwinTransformer):
        return dict(swin_transformer.checkpoint_filter_fn(dict(tensors), backbone))
    return dict(tensors)


def load_visual_weights(backbone: nn.Module, path: Path) -> None:
    """Fill timm's `backbone` from a file: safetensors or a .pth state dict, bare or under the key `model`. Strict.

    Raises:
        FileNotFoundError: no such file. ValueError: it is cut short, holds more than tensors, or does not fit.
    """
    tensors = read_tensors(path)
    try:
        backbone.load_state_dict(to_timm_names(tensors, backbone))
    except (RuntimeError, AttributeError) as error:  # timm's rules look up the modules that the names speak of
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"{path} does not fit {type(backbone).__name__} as it was built: {reason}") from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The state dict in a file, on the CPU; nothing but tensors is ever unpickled. Raises as `load_visual_weights`."""
    if not path.is_file():
        raise FileNotFoundError(f"no such weights: {path}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise ValueError(f"{path} is no state dict, or holds more than tensors; nothing else is unpickled") from error
    except (SafetensorError, RuntimeError, EOFError) as error:
        raise ValueError(f"{path} is no complete weights file ({error or 'it is empty'}); copy it again") from error
    content = content.get("model", content) if isinstance(content, Mapping) else content
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ValueError(f"{path} holds no state dict; expected names and tensors, bare or under the key 'model'")
    return dict(content)
