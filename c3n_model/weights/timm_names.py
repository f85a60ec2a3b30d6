"""Conversion of the original PVTv2 and Swin files to timm's names."""

from __future__ import annotations

from collections.abc import Mapping

from timm.models import pvt_v2, swin_transformer
from torch import Tensor, nn

# timm's filters raise any of these for names and shapes that they do not expect.
UNFIT = (AssertionError, AttributeError, IndexError, RuntimeError, TypeError, ValueError)


def to_timm_names(tensors: Mapping[str, Tensor], backbone: nn.Module) -> dict[str, Tensor]:
    """Rename a backbone's state dict to timm's names.

    timm's own filters convert whai362/PVT (v2) and microsoft/Swin-Transformer (and resize the position biases of a Swin of
    another image size); other names are unchanged.

    Raises:
        ValueError: names or shapes that those filters do not support.
    """
    try:
        if isinstance(backbone, pvt_v2.PyramidVisionTransformerV2):
            return dict(pvt_v2.checkpoint_filter_fn(dict(tensors), backbone))
        if isinstance(backbone, swin_transformer.SwinTransformer):
            return dict(swin_transformer.checkpoint_filter_fn(dict(tensors), backbone))
        return dict(tensors)
    except UNFIT as error:
        raise ValueError(f"the weights do not fit {type(backbone).__name__} as configured: {error!r}") from error
