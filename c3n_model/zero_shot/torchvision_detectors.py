"""torchvision's detectors, trained on COCO: SSDLite, Faster R-CNN and Mask R-CNN, which is also a semantic segmenter."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from c3n_model.zero_shot.detections import Detections, best_detections

MASK_RCNNS = ("maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2")
# In the order of preference on a robot's CPU: "auto" takes the first that is available.
DETECTORS = (
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "ssdlite320_mobilenet_v3_large",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_resnet50_fpn",
    *MASK_RCNNS,
)
INSTANCE_SCORE = 0.5  # minimum score of an instance to be part of a class's mask


def build_torchvision(name: str) -> nn.Module:
    """Build a network of `DETECTORS` with random weights, in evaluation mode.

    The models with ResNet-50 of the first training recipe use frozen batch norms with eps = 0, which torchvision only builds
    together with a download.
    """
    from torchvision.models import detection, get_model
    from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
    from torchvision.ops import FrozenBatchNorm2d

    if name not in ("maskrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn"):
        return get_model(name, weights=None, weights_backbone=None, num_classes=len(coco_labels())).eval()
    backbone = resnet_fpn_backbone(backbone_name="resnet50", weights=None)
    kind = detection.MaskRCNN if name == "maskrcnn_resnet50_fpn" else detection.FasterRCNN
    network = kind(backbone, num_classes=len(coco_labels()))
    for module in network.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.eps = 0.0
    return network.eval()


def coco_labels() -> tuple[str, ...]:
    """Return torchvision's 91 label names of COCO: the background, 80 classes, and "N/A" for unused numbers."""
    from torchvision.models import detection

    return tuple(detection.MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"])


class TorchvisionDetector(nn.Module):
    """One of `DETECTORS` as a `Detector`."""

    def __init__(self, name: str, min_score: float):
        super().__init__()
        self.labels, self.min_score = coco_labels(), min_score
        self.network = build_torchvision(name)

    @torch.no_grad()
    def forward(self, frames: Tensor) -> list[Detections]:
        """Implement `detectors.Detector`."""
        height, width = frames.shape[2:]
        sides = frames.new_tensor([width, height, width, height])
        return [
            best_detections(
                Detections(found["boxes"] / sides, found["scores"], found["labels"], _masks(found)),
                self.min_score,
            )
            for found in self.network(list(frames))
        ]


def _masks(found: Mapping[str, Tensor]) -> Tensor | None:
    return found["masks"][:, 0] if "masks" in found else None


class MaskRCNN(nn.Module):
    """Mask R-CNN as a `Segmenter`: a class's mask is the union of its instances."""

    def __init__(self, name: str = "maskrcnn_resnet50_fpn"):
        super().__init__()
        self.labels, self.network = coco_labels(), build_torchvision(name)

    @torch.no_grad()
    def forward(self, frames: Tensor) -> Tensor:
        """Implement `segmenters.Segmenter`."""
        masks = frames.new_zeros(len(frames), len(self.labels), *frames.shape[2:])
        for index, found in enumerate(self.network(list(frames))):
            for label, score, mask in zip(found["labels"], found["scores"], found["masks"][:, 0], strict=True):
                if score >= INSTANCE_SCORE:
                    masks[index, label] = torch.maximum(masks[index, label], score * (mask > 0.5))
        return masks


def from_public(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename torchvision's published tensors to the current names of its modules; the oldest files have other names."""
    is_old, renamed = "rpn.head.conv.weight" in tensors, {}
    for name, tensor in tensors.items():
        if is_old and name.endswith("num_batches_tracked"):
            continue  # frozen batch norms have no such counter
        name = re.sub(r"(fpn\.(?:inner|layer)_blocks\.\d)\.(weight|bias)$", r"\1.0.\2", name)
        name = re.sub(r"(rpn\.head\.conv)\.(weight|bias)$", r"\1.0.0.\2", name)
        name = re.sub(r"mask_fcn(\d)\.", lambda found: f"{int(found[1]) - 1}.0.", name)
        renamed[name] = tensor
    return renamed
