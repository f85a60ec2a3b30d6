"""Visual encoder: a timm backbone whose single pass yields four feature maps and class logits.

timm is imported where a backbone is built: it imports torchvision, and that torch's compiler, which takes longer than torch itself.
Exported steps need none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from c3n_model.network.choices import check_choice

STAGES = 4
# Our names for timm backbones whose public weights need another padding and other pixel statistics than timm's.
VARIANTS: dict[str, tuple[str, dict[str, Any], dict[str, tuple[float, ...]]]] = {
    "mobilenetv2_100_tfsame": (  # MobileNetV2 as TensorFlow trained it
        "mobilenetv2_100",
        {"pad_type": "same"},
        {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)},
    )
}

CamPoint = Literal["after_norm", "before_norm"]
SwinForm = Literal["classifier", "dense"]


class VisualEncoder(nn.Module):
    """F_v of the paper: {V_i}, i = 1..4, from fine (stride 4) to coarse (stride 32), and the logits of Eq. 2.

    Works with any timm model that has a classifier and at least four stages of decreasing resolution: PVTv2 b0-b5 and Swin
    of the paper, MobileNet, ResNet, ConvNeXt, EfficientNet, EfficientViT... `channels` are C_v1..C_v4, `strides` the four
    reductions. Callers pass RGB in [0, 1]; the encoder normalises it with the mean and std of timm's weights. timm's crop
    and interpolation are not applied: frames are squashed to a square.

    Args:
        image_size: height and width of the frames, for backbones of a fixed size (Swin); the others accept any.
        cam_point: where Eq. 8 differentiates. "after_norm" is V_i itself, as in the equation; "before_norm" is the
            output of a stage's last block, as in the authors' code. They differ only if a stage ends with a norm (PVT).
        swin: "classifier" is timm's; "dense" the authors': a layer norm of each V_i, of which only the last is on the path to
            the logits, and shifted windows in the last stage, too. It needs "before_norm".
        create_arguments: additional arguments of `timm.create_model`.

    Raises:
        ValueError: `name` is unknown to timm, has no suitable pyramid or no classifier, or does not support an argument.
    """

    backbone: Any  # a timm model; its methods are untyped
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str,
        num_classes: int,
        *,
        image_size: int | None = None,
        cam_point: CamPoint = "after_norm",
        swin: SwinForm = "classifier",
        create_arguments: dict | None = None,
    ):
        super().__init__()
        name, variant, statistics = VARIANTS.get(name, (name, {}, {}))
        _check_choices(name, num_classes, cam_point, swin)
        arguments = {**({"always_partition": True} if swin == "dense" else {}), **variant, **(create_arguments or {})}
        self._create = partial(_create, name, num_classes, image_size)
        self._arguments = arguments
        self.backbone = self._create(arguments)
        stages = _pyramid(name, self.backbone)
        self.channels = [stage["num_chs"] for stage in stages]
        self.strides = [stage["reduction"] for stage in stages]
        self.num_classes = num_classes
        self.cam_point = cam_point
        # The last map's norm is timm's own, before the head.
        self.norms = nn.ModuleList(map(nn.LayerNorm, self.channels[:-1])) if swin == "dense" else None
        self._stages = [stage["module"] for stage in stages]
        self._channels_last = getattr(self.backbone, "output_fmt", "NCHW") == "NHWC"
        config = self.backbone.pretrained_cfg
        self.set_normalisation(**{"mean": config["mean"], "std": config["std"], **statistics})

    def set_stochastic_depth(self, rate: float) -> None:
        """In train mode, drop residual branches at random: at `rate` in the last block, linearly less in earlier ones.

        0 drops none; some backbones of timm (Swin: 0.1) have another rate until this is called. Weights and eval mode stay
        the same. Raises ValueError for a rate above 0 if timm has no such option for this backbone.
        """
        present = _drop_paths(self.backbone)
        if rate == 0 and not present:
            return
        try:
            with torch.device("meta"):
                source = self._create({**self._arguments, "drop_path_rate": rate})
        except TypeError:  # timm has no such option
            source = nn.Identity()
        wanted = _drop_paths(source)
        if rate > 0 and not wanted:
            raise ValueError(
                f"{type(self.backbone).__name__} has no stochastic depth in timm; set stochastic_depth: 0.0"
            )
        for name in {*present, *wanted}:
            parent, _, leaf = name.rpartition(".")
            setattr(self.backbone.get_submodule(parent), leaf, getattr(source.get_submodule(parent), leaf))

    def set_normalisation(self, *, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """Set the RGB mean and std that the weights were trained with, if they differ from timm's for the model."""
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    @property
    def input_statistics(self) -> dict[str, Any]:
        """Settings besides the weights that affect the result, as JSON values: `mean` and `std` of the pixels, `padding` of
        strided convolutions ("same" as in TensorFlow, or "symmetric")."""
        same = any(type(module).__name__ == "Conv2dSame" for module in self.backbone.modules())
        numbers = {name: [float(value) for value in getattr(self, name).flatten()] for name in ("mean", "std")}
        return {**numbers, "padding": "same" if same else "symmetric"}

    def forward(self, frames: Tensor) -> tuple[list[Tensor], Tensor]:
        """Encode frames (N, 3, H, W) in [0, 1] to maps [(N, C_vi, H_i, W_i)] x 4 and logits (N, K_v)."""
        maps, logits, _ = self.observe(frames)
        return maps, logits

    def observe(self, frames: Tensor, *, for_gradient: bool = False) -> tuple[list[Tensor], Tensor, list[Tensor]]:
        """Return the results of `forward` and the CAM points of Eq. 8 [(N, C_vi, ...)] x 4, on which the logits depend.

        With `for_gradient` the logits have a graph from the CAM points on, even if all weights are frozen.

        Activations are captured by hooks that are removed after the pass. timm's `forward_intermediates` does not work here:
        for a channels-last backbone (Swin) it returns copies, through which the logits have no gradient.
        """
        maps: list[Tensor] = []
        points: list[Tensor] = []
        handles = []
        for name in self._stages:
            stage = self.backbone.get_submodule(name)
            handles.append(stage.register_forward_hook(_capture(maps, self._channels_last, for_gradient)))
            if self.cam_point == "before_norm" and _ends_with_norm(stage):
                # Inside such a stage activations are tokens (N, H_i W_i, C_vi).
                handles.append(stage.blocks[-1].register_forward_hook(_capture(points, True, for_gradient)))
        try:
            logits = self.backbone((frames - self.mean) / self.std)
        finally:
            for handle in handles:
                handle.remove()
        shapes = [tuple(stage.shape) if isinstance(stage, Tensor) else (type(stage).__name__,) for stage in maps]
        if [shape[1] for shape in shapes if len(shape) == 4] != self.channels:
            raise ValueError(
                f"expected {STAGES} maps (N, C, H, W) with {self.channels} channels from this backbone, got shapes {shapes}"
            )
        points = points or maps
        if self.norms is not None:
            norms = [*self.norms, self.backbone.norm]
            maps = [norm(stage.movedim(1, -1)).movedim(-1, 1) for norm, stage in zip(norms, maps, strict=True)]
        return maps, logits, points

    def head(self) -> nn.Module:
        """Return the classifier W_c^V of Eq. 2, which stays frozen while C3N trains (section IV-A of the paper)."""
        return self.backbone.get_classifier()


def _capture(captured: list[Tensor], channels_last: bool, for_gradient: bool) -> Callable[..., Tensor]:
    """Return a forward hook that appends a module's output to `captured`, channels first.

    A channels-last output is replaced by a view of the captured tensor, so that the logits depend on the latter. With
    `for_gradient` and frozen weights a graph begins at the first captured output.
    """

    def hook(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        channels_first = output.movedim(-1, 1) if channels_last else output
        if for_gradient and not channels_first.requires_grad:
            # A view, because torch's counter of operations cannot follow a gradient to a leaf.
            channels_first = channels_first.requires_grad_().view_as(channels_first)
        captured.append(channels_first)
        return channels_first.movedim(1, -1) if channels_last else channels_first

    return hook


def _drop_paths(backbone: nn.Module) -> list[str]:
    from timm.layers import DropPath

    return [name for name, module in backbone.named_modules() if isinstance(module, DropPath)]


def _ends_with_norm(stage: nn.Module) -> bool:
    children = [name for name, _ in stage.named_children()]
    return "blocks" in children and children[-1] == "norm"


def _check_choices(name: str, num_classes: int, cam_point: str, swin: str) -> None:
    import timm

    check_choice("cam_point", cam_point, CamPoint)
    check_choice("swin", swin, SwinForm)
    if num_classes < 1:
        raise ValueError(
            f"visual encoder {name!r} needs a classifier, whose logits C3IM reads; got {num_classes} classes"
        )
    if not timm.is_model(name):
        near = timm.list_models(f"*{name.split('_')[0]}*")[:5]
        raise ValueError(f"visual encoder {name!r} is not a timm model; similar names: {', '.join(near) or 'none'}")
    if swin == "dense" and not name.startswith("swin_"):
        raise ValueError(f"swin: dense needs a Swin backbone, got {name!r}; use swin: classifier")
    if swin == "dense" and cam_point != "before_norm":
        raise ValueError("swin: dense needs cam_point: before_norm, because the logits depend on its last norm alone")


def _create(name: str, num_classes: int, image_size: int | None, arguments: dict) -> nn.Module:
    """Create timm's model with random weights, for frames of `image_size` if its input size is fixed."""
    import timm

    defaults: Any = timm.get_pretrained_cfg(name)  # never None: the name was checked
    if not defaults.fixed_input_size or image_size in (None, defaults.input_size[-1]):
        return timm.create_model(name, num_classes=num_classes, **arguments)
    try:
        return timm.create_model(name, num_classes=num_classes, img_size=image_size, **arguments)
    except TypeError as error:
        raise ValueError(
            f"visual encoder {name!r} supports only image_size {defaults.input_size[-1]}, got {image_size}"
        ) from error


def _pyramid(name: str, backbone: nn.Module) -> list[dict]:
    """Return timm's description of the last four stages: `module`, `num_chs`, `reduction`."""
    stages = list(getattr(backbone, "feature_info", []))
    if len(stages) < STAGES:
        raise ValueError(f"visual encoder {name!r} has {len(stages)} feature stages, expected at least {STAGES}")
    stages = stages[-STAGES:]
    strides = [stage["reduction"] for stage in stages]
    modules = {stage["module"] for stage in stages} & {module for module, _ in backbone.named_modules()}
    if strides != sorted(set(strides)) or len(modules) < STAGES:
        raise ValueError(
            f"visual encoder {name!r} has no pyramid of {STAGES} stages with increasing strides (got {strides}); "
            "use for example PVTv2, Swin, ConvNeXt, ResNet or MobileNet"
        )
    return stages
