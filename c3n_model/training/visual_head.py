"""Fit W_c^V of Eq. 2 for more classes than ImageNet's: those of annotated pictures, people among them.

The backbone and ImageNet's rows are frozen. A class that is added has a row w and a bias b on the same features f, and its
logit is measured against those of ImageNet's classes together:

    P(in view) = sigmoid(w f + b - logsumexp(z)),    z: ImageNet's logits.

So its softmax confidence among them (Eq. 2) is the probability that it is in view, as far as one thing is. The rows are
logistic regressions with a ridge penalty on whole pictures, their mirror images and crops; the penalty, and the shift that makes
the confidences as frequent as the class is, are chosen out of fold, in folds of whole pictures, and so are the scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import Tensor, nn
from torch.nn import functional as F

from c3n_model.compose.picture_set import AnnotatedPicture
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.progress import Progress
from c3n_model.weights.tensors import read_described, save_tensors

METADATA_KEY = "c3n_visual_head"
IN_VIEW, NOT_IN_VIEW = 0.03, 0.001  # fractions of a crop from which a class is in view, and up to which it is not
CROPS, CROP_SIDE = 6, (0.4, 0.9)  # random crops of each picture, and their sides as fractions of the picture's
FOLDS = 5
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0)
STEPS = 60  # of L-BFGS


@dataclass(frozen=True)
class Examples:
    """N crops: `features` (N, d), `rest` (N,) logsumexp of ImageNet's logits, `share` (N, K) of the pixels of each class, and the
    index of the `picture` of each crop, int (N,)."""

    features: Tensor
    rest: Tensor
    share: Tensor
    picture: np.ndarray


@dataclass(frozen=True)
class VisualHead:
    """A classifier of a backbone's features: `weight` (K, d), `bias` (K,), its `labels`, the name of the `backbone`'s weights,
    and a `card`."""

    weight: Tensor
    bias: Tensor
    labels: tuple[str, ...]
    backbone: str
    card: dict[str, Any]

    def save(self, path: Path) -> None:
        """Write a safetensors file."""
        about = {"labels": self.labels, "backbone": self.backbone, "card": self.card}
        save_tensors(path, {"weight": self.weight, "bias": self.bias}, {METADATA_KEY: about})

    @staticmethod
    def load(path: Path) -> VisualHead:
        """Read a file that `save` wrote. Raises FileNotFoundError, or ValueError for a damaged or another file."""
        if not path.is_file():
            raise FileNotFoundError(f"no such visual head: {path}; fit one with c3n train-visual-head")
        about, tensors = read_described(path, METADATA_KEY, "visual head")
        try:
            head = VisualHead(
                tensors["weight"], tensors["bias"], tuple(about["labels"]), about["backbone"], about["card"]
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"invalid visual head {path}: it lacks {error}; fit it again") from error
        if head.weight.ndim != 2 or not len(head.labels) == len(head.bias) == len(head.weight):
            raise ValueError(
                f"invalid visual head {path}: {len(head.labels)} labels, weights {tuple(head.weight.shape)}, biases "
                f"{tuple(head.bias.shape)}; fit it again"
            )
        return head


def observe_all(
    encoder: VisualEncoder, pictures: Sequence[AnnotatedPicture], classes: Sequence[str], image_size: int, seed: int,
    progress: Progress,
) -> Examples:  # fmt: skip
    """Read annotated pictures one by one and compute their examples. Raises ValueError for one that cannot be read."""
    random, parts = np.random.default_rng(seed), []
    for number, picture in enumerate(progress(pictures, "pictures")):
        rgb = picture.read()
        masks: dict[str, np.ndarray] = {}
        for region in picture.regions:
            masks[region.noun] = masks.get(region.noun, False) | region.mask(rgb.shape[:2])
        parts.append(observe(encoder, [(rgb, masks)], classes, image_size, number, random))
    joined = (torch.cat([getattr(part, field) for part in parts]) for field in ("features", "rest", "share"))
    return Examples(*joined, np.concatenate([part.picture for part in parts]))


def observe(
    encoder: VisualEncoder, pictures: Sequence[tuple[np.ndarray, dict[str, np.ndarray]]], classes: Sequence[str],
    image_size: int, first: int, random: np.random.Generator,
) -> Examples:  # fmt: skip
    """Compute the examples of some pictures: rgb uint8 (H, W, 3) with masks bool (H, W) by class. `first` numbers the pictures."""
    frames, shares, numbers = [], [], []
    for number, (rgb, masks) in enumerate(pictures, first):
        for window, mirrored in _windows(rgb.shape[:2], random):
            crop = cv2.resize(rgb[window], (image_size, image_size), interpolation=cv2.INTER_AREA)
            frames.append(torch.from_numpy(np.ascontiguousarray(crop[:, ::-1] if mirrored else crop)))
            shares.append([float(masks[name][window].mean()) if name in masks else 0.0 for name in classes])
            numbers.append(number)
    features, logits = classifier_inputs(encoder, torch.stack(frames).permute(0, 3, 1, 2).float() / 255)
    return Examples(features, logits.logsumexp(dim=1), torch.tensor(shares), np.array(numbers))


@torch.no_grad()
def classifier_inputs(encoder: VisualEncoder, frames: Tensor) -> tuple[Tensor, Tensor]:
    """Return what the classifier reads of frames (N, 3, H, W) in [0, 1], (N, d), and its logits (N, classes).

    Raises ValueError for a backbone whose classifier is not one linear layer."""
    head = encoder.head()
    if not isinstance(head, nn.Linear):
        raise ValueError(f"the classifier of this backbone is a {type(head).__name__}; expected a linear layer")
    read: list[Tensor] = []
    handle = head.register_forward_pre_hook(lambda module, inputs: read.append(inputs[0]))
    try:
        _, logits = encoder(frames)
    finally:
        handle.remove()
    return read[0], logits


def fit(examples: Examples, classes: Sequence[str]) -> tuple[Tensor, Tensor, dict[str, dict[str, float]]]:
    """Fit rows (K, d) and biases (K,) for `classes`; also return the scores of each, all of them out of fold.

    `ap` average precision, `auc`, `calibration_error` (mean difference of confidence and frequency in ten bins), `pictures` that
    show it, and `penalty`.
    """
    mean, deviation = examples.features.mean(dim=0), examples.features.std(dim=0).clamp(min=1e-3)
    features = (examples.features - mean) / deviation
    folds = examples.picture % FOLDS
    weights, biases, scores = [], [], {}
    for index, name in enumerate(classes):
        share = examples.share[:, index]
        known = (share >= IN_VIEW) | (share <= NOT_IN_VIEW)
        truth = (share >= IN_VIEW).float()
        outside = {}
        for penalty in PENALTIES:
            margins = torch.zeros(len(truth))
            for fold in range(FOLDS):
                learnt, held = torch.from_numpy(folds != fold) & known, torch.from_numpy(folds == fold)
                row, bias = _regress(features[learnt], examples.rest[learnt], truth[learnt], penalty)
                margins[held] = features[held] @ row + bias - examples.rest[held]
            shifted = margins[known] + _shift(margins[known], truth[known])
            outside[penalty] = (float(F.binary_cross_entropy_with_logits(shifted, truth[known])), shifted)
        penalty = min(outside, key=lambda value: outside[value][0])
        row, bias = _regress(features[known], examples.rest[known], truth[known], penalty)
        margins = features[known] @ row + bias - examples.rest[known]
        weights.append(row / deviation)
        biases.append(bias - (row / deviation) @ mean + _shift(margins, truth[known]))
        confidence = outside[penalty][1].sigmoid().numpy()
        scores[name] = _scores(truth[known].numpy(), confidence) | {
            "pictures": len(np.unique(examples.picture[truth.numpy() > 0])),
            "penalty": penalty,
        }
    return torch.stack(weights), torch.stack(biases), scores


def _windows(size: tuple[int, int], random: np.random.Generator) -> list[tuple[tuple[slice, slice], bool]]:
    """The whole picture, its mirror image, and crops, half of them mirrored."""
    whole = (slice(None), slice(None))
    windows = [(whole, False), (whole, True)]
    for number in range(CROPS):
        sides = [max(8, round(length * random.uniform(*CROP_SIDE))) for length in size]
        starts = [int(random.integers(max(length - side, 0) + 1)) for length, side in zip(size, sides)]
        window = (slice(starts[0], starts[0] + sides[0]), slice(starts[1], starts[1] + sides[1]))
        windows.append((window, bool(number % 2)))
    return windows


def _regress(features: Tensor, rest: Tensor, truth: Tensor, penalty: float) -> tuple[Tensor, Tensor]:
    """Fit a ridge logistic regression with the offset -rest; classes are weighted equally."""
    row, bias = torch.zeros(features.shape[1], requires_grad=True), torch.zeros((), requires_grad=True)
    with torch.no_grad():
        bias += rest.mean()
    weight = torch.where(truth > 0, 1 / truth.sum().clamp(min=1), 1 / (1 - truth).sum().clamp(min=1))
    optimiser = torch.optim.LBFGS([row, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        each = F.binary_cross_entropy_with_logits(features @ row + bias - rest, truth, reduction="none")
        value = (weight * each).sum() / 2 + penalty * row.square().sum() / 2
        value.backward()
        return value

    optimiser.step(loss)
    return row.detach(), bias.detach()


def _shift(margins: Tensor, truth: Tensor) -> float:
    """The shift of log odds with which the mean confidence is the frequency, by bisection."""
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        if (margins + middle).sigmoid().mean() < truth.mean():
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _scores(truth: np.ndarray, confidence: np.ndarray) -> dict[str, float]:
    bins = np.minimum((confidence * 10).astype(int), 9)
    errors = [abs(confidence[bins == k].mean() - truth[bins == k].mean()) * (bins == k).mean() for k in np.unique(bins)]
    return {
        "ap": float(average_precision_score(truth, confidence)),
        "auc": float(roc_auc_score(truth, confidence)),
        "calibration_error": float(sum(errors)),
    }
