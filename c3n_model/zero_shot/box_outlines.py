"""SAM 2 (Ravi et al. 2024) of the library transformers: outlines what a box shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from c3n_model.zero_shot.transformers_parts import (
    half_on_gpu,
    load_image_processor,
    load_network,
    model_type,
    prepare_image,
)

KINDS = ("sam2", "sam2_video")  # the published files state the latter and contain both


def open_outliner(folder: Path) -> nn.Module:
    """Open the model in a folder as a `BoxOutliner`. Raises ValueError for a kind that is not known or cannot be read."""
    kind = model_type(folder)
    if kind not in KINDS:
        raise ValueError(f"open_vocabulary_masks: {folder} is a {kind}; expected one of {', '.join(KINDS)}")
    return Sam2(load_network(folder, "Sam2Model"), load_image_processor(folder))


class Sam2(nn.Module):
    """SAM 2 as a `BoxOutliner`."""

    def __init__(self, network: nn.Module, image_processor: Any):
        super().__init__()
        self.network, self.image_processor = network, image_processor

    def forward(self, frame: Tensor, boxes: Tensor) -> Tensor:
        """Implement `BoxOutliner`: one mask for each box, of a quarter of the network's image size."""
        inputs = prepare_image(self.image_processor, frame)
        height, width = inputs["pixel_values"].shape[2:]  # images are scaled to this size, whatever their aspect ratio
        corners = boxes * boxes.new_tensor([width, height, width, height])
        with half_on_gpu(frame.device):
            outputs = self.network(**inputs, input_boxes=corners[None], multimask_output=False)
        return outputs.pred_masks[0, :, 0].float().sigmoid()
