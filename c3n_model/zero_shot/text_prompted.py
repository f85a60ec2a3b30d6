"""Models of the library transformers that find nouns: GroundingDINO and OWL-ViT as boxes, CLIPSeg as masks.

Their scores have different scales; `usual_score` is the threshold that their authors or the library take by default.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.ops import box_convert

from c3n_model.zero_shot.detections import Detections
from c3n_model.zero_shot.regions import connected_regions
from c3n_model.zero_shot.transformers_parts import (
    half_on_gpu,
    load_image_processor,
    load_network,
    load_tokenizer,
    model_type,
    prepare_image,
)


def open_prompted(folder: Path) -> _TextPrompted:
    """Open the model in a folder as a `PromptedDetector`. Raises ValueError for a kind that is not known or cannot be read."""
    kind = model_type(folder)
    if kind not in KINDS:
        raise ValueError(f"open_vocabulary: {folder} is a {kind}; expected one of {', '.join(KINDS)}")
    build, class_name = KINDS[kind]
    return build(load_network(folder, class_name), load_image_processor(folder), load_tokenizer(folder))


class _TextPrompted(nn.Module):
    """A network of transformers with its image processor and tokenizer; see `PromptedDetector`."""

    usual_score: float

    def __init__(self, network: nn.Module, image_processor: Any, tokenizer: Any):
        super().__init__()
        self.network, self.image_processor, self.tokenizer = network, image_processor, tokenizer

    def _run(self, frame: Tensor, texts: dict[str, Tensor], copies: int = 1) -> Any:
        """Return the network's outputs for a frame and tokens; `copies`: of the frame, one for each text."""
        images = prepare_image(self.image_processor, frame)
        images = {name: value.expand(copies, *value.shape[1:]) for name, value in images.items()}
        with half_on_gpu(frame.device):
            return self.network(**images, **{name: value.to(frame.device) for name, value in texts.items()})


class GroundingDino(_TextPrompted):
    """GroundingDINO (Liu et al. 2023), and MM-GroundingDINO: all nouns in one text, "dog. lawn mower."

    The score of a box for a noun is the mean over its tokens, as in GLIP's evaluation, so that a lawn alone is no lawn mower.
    """

    usual_score = 0.35  # box_threshold in the authors' README

    def forward(self, frame: Tensor, nouns: tuple[str, ...]) -> Detections:
        """Implement `PromptedDetector`. The three sounds with the most sources have 26 nouns, so the text fits in 256 tokens."""
        tokens = self.tokenizer(". ".join(nouns) + ".", return_tensors="pt", return_offsets_mapping=True)
        spans = tokens.pop("offset_mapping")[0]
        outputs = self._run(frame, dict(tokens))
        probabilities = outputs.logits[0].float().sigmoid()[:, : len(spans)]  # queries tokens
        scores, start = [], 0
        for noun in nouns:
            own = (spans[:, 0] >= start) & (spans[:, 1] <= start + len(noun)) & (spans[:, 1] > spans[:, 0])
            scores.append(probabilities[:, own.to(frame.device)].mean(dim=1))
            start += len(noun) + len(". ")
        return _of_pairs(box_convert(outputs.pred_boxes[0].float(), "cxcywh", "xyxy"), torch.stack(scores, dim=1))


class Owl(_TextPrompted):
    """OWLv2 (Minderer et al. 2023) and OWL-ViT: one text for each noun. OWLv2 pads images to a square, to which its boxes refer."""

    usual_score = 0.1  # threshold of post_process_grounded_object_detection in transformers

    def forward(self, frame: Tensor, nouns: tuple[str, ...]) -> Detections:
        """Implement `PromptedDetector`."""
        length = self.network.config.text_config.max_position_embeddings  # type: ignore[union-attr]
        tokens = self.tokenizer(
            [f"a photo of a {noun}" for noun in nouns],
            return_tensors="pt", padding="max_length", max_length=length, truncation=True,
        )  # fmt: skip
        outputs = self._run(frame, dict(tokens))
        boxes = box_convert(outputs.pred_boxes[0].float(), "cxcywh", "xyxy")
        if self.network.config.model_type == "owlv2":  # type: ignore[union-attr]
            height, width = frame.shape[1:]
            boxes = boxes * boxes.new_tensor([max(height, width) / side for side in (width, height, width, height)])
        return _of_pairs(boxes, outputs.logits[0].float().sigmoid())


class ClipSeg(_TextPrompted):
    """CLIPSeg (Lüddecke and Ecker 2022): a mask for each noun, whose connected regions above 0.5 are the instances, each with its
    highest value as its score."""

    usual_score = 0.5

    def forward(self, frame: Tensor, nouns: tuple[str, ...]) -> Detections:
        """Implement `PromptedDetector`."""
        tokens = self.tokenizer(
            [f"a photo of a {noun}" for noun in nouns], return_tensors="pt", padding=True, truncation=True
        )
        logits = self._run(frame, dict(tokens), copies=len(nouns)).logits.float()
        planes = logits.view(len(nouns), *logits.shape[-2:]).sigmoid()
        regions = [(number, region) for number, plane in enumerate(planes) for region in connected_regions(plane)]
        masks = torch.stack([region for _, region in regions]) if regions else planes[:0]
        return Detections(
            boxes=torch.stack([_box_of(region) for _, region in regions]) if regions else planes.new_zeros(0, 4),
            scores=masks.flatten(1).amax(dim=1) if regions else planes.new_zeros(0),
            classes=torch.tensor([number for number, _ in regions], dtype=torch.int64, device=planes.device),
            masks=masks,
        )


def _of_pairs(boxes: Tensor, scores: Tensor) -> Detections:
    """Return a detection for every pair of a box (n, 4) and a noun, with scores (n, nouns)."""
    count = scores.shape[1]
    classes = torch.arange(count, device=boxes.device).repeat(len(boxes))
    return Detections(boxes.repeat_interleave(count, dim=0), scores.flatten(), classes)


def _box_of(region: Tensor) -> Tensor:
    """Return the box of the pixels above 0.5 of a plane (h, w) as fractions, float32 (4,)."""
    rows, columns = ((region > 0.5).any(dim=axis).nonzero().flatten() for axis in (1, 0))
    height, width = region.shape
    sides = [columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height]
    return torch.stack(sides).float()


# model_type of config.json -> how it is used, and the class of transformers.
KINDS: dict[str, tuple[type[_TextPrompted], str]] = {
    "grounding-dino": (GroundingDino, "GroundingDinoForObjectDetection"),
    "mm-grounding-dino": (GroundingDino, "MMGroundingDinoForObjectDetection"),
    "owlv2": (Owl, "Owlv2ForObjectDetection"),
    "owlvit": (Owl, "OwlViTForObjectDetection"),
    "clipseg": (ClipSeg, "CLIPSegForImageSegmentation"),
}
