"""Names in pretrained visual backbones: timm's, and those of the original files of PVTv2 and Swin."""

from __future__ import annotations

from collections.abc import Mapping

from timm.models import pvt_v2, swin_transformer
from torch import Tensor, nn

# timm's rules look up the modules that the names speak of, and take apart shapes as they expect them.
UNFIT = (AssertionError, AttributeError, IndexError, RuntimeError, TypeError, ValueError)


def to_timm_names(tensors: Mapping[str, Tensor], backbone: nn.Module) -> dict[str, Tensor]:
    """A backbone's state dict with timm's names. Names of whai362/PVT (v2) and microsoft/Swin-Transformer are translated
    by timm's own rules (a Swin of another image size gets its position biases resized); all others stay.

    Raises:
        ValueError: names or shapes that those rules can do nothing with.
    """
    try:
        if isinstance(backbone, pvt_v2.PyramidVisionTransformerV2):
            return dict(pvt_v2.checkpoint_filter_fn(dict(tensors), backbone))
        if isinstance(backbone, swin_transformer.SwinTransformer):
            return dict(swin_transformer.checkpoint_filter_fn(dict(tensors), backbone))
        return dict(tensors)
    except UNFIT as error:
        raise ValueError(
            f"weights of another architecture than {type(backbone).__name__} as configured: {error!r}"
        ) from error
