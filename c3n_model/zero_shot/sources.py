"""Load the segmenter, the detector and the open-vocabulary eye of a config from pretrained files."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from c3n_model.config import ZeroShotConfig
from c3n_model.network.choices import check_choice
from c3n_model.weights import manifest
from c3n_model.weights.hub_folders import find_folder
from c3n_model.weights.tensors import load_weights, read_tensors
from c3n_model.zero_shot.box_outlines import open_outliner
from c3n_model.zero_shot.detectors import Detector, DetectorInput, open_detector
from c3n_model.zero_shot.open_vocabulary import OpenVocabularyEye, source_nouns
from c3n_model.zero_shot.segmenters import Segmenter, open_segmenter
from c3n_model.zero_shot.text_prompted import open_prompted
from c3n_model.zero_shot.torchvision_detectors import (
    DETECTORS,
    MASK_RCNNS,
    MaskRCNN,
    TorchvisionDetector,
    from_public,
)

DEEPLAB, YAMNET = "deeplabv3_pascal", "yamnet"  # the pretrained TFLite files
SUPPORTING = 1 / 3  # fraction of detector_score above which boxes help to outline labels named by other models
SOURCES = "sources"  # ZeroShotConfig.labels: this project's table of sound sources


def pretrained_segmenter(config: ZeroShotConfig) -> tuple[Segmenter | None, str]:
    """Return the segmenter of a config and its name; None and "" if it has none. Raises as `build.load_zero_shot`."""
    known = (DEEPLAB, *MASK_RCNNS)
    chosen = _choose(config, "segmenter", known, known)
    if chosen is None:
        return None, ""
    if chosen == DEEPLAB:
        return open_segmenter(manifest.find(DEEPLAB), manifest.find(f"{DEEPLAB}_labels")), chosen
    if chosen in MASK_RCNNS:
        segmenter = MaskRCNN(chosen)
        _load_pretrained(segmenter.network, chosen)
        return segmenter, chosen
    path = Path(chosen)
    return open_segmenter(path, _labels_beside(path, config.segmenter_labels)), path.name


def pretrained_detector(config: ZeroShotConfig) -> tuple[Detector | None, str]:
    """Return the detector of a config and its name; None and "" if it has none. Raises as `build.load_zero_shot`."""
    check_choice("detector_input", config.detector_input, DetectorInput)
    # "auto" never chooses Mask R-CNN: if it is also the segmenter, it would run twice.
    chosen = _choose(config, "detector", DETECTORS, [name for name in DETECTORS if name not in MASK_RCNNS])
    if chosen in (None, *DETECTORS) and config.detector_input != "auto":
        raise ValueError(f"detector_input is only for a .tflite or .onnx file, but detector is {config.detector!r}")
    if chosen is None:
        return None, ""
    if chosen in DETECTORS:
        detector = TorchvisionDetector(chosen, SUPPORTING * config.detector_score)
        _load_pretrained(detector.network, chosen)
        return detector, chosen
    path, score = Path(chosen), SUPPORTING * config.detector_score
    labels = _labels_beside(path, config.detector_labels)
    return open_detector(path, labels, score, config.detector_input), path.name


def pretrained_eye(config: ZeroShotConfig, sounds: tuple[str, ...]) -> tuple[OpenVocabularyEye | None, str]:
    """Return the open-vocabulary eye of a config, for all nouns that make one of the `sounds`, and its name; None and "" if it has
    none. Raises as `build.load_zero_shot`."""
    detector, outliner = config.open_vocabulary, config.open_vocabulary_masks
    if not detector:
        if outliner:
            raise ValueError(f"open_vocabulary_masks is {outliner!r}, but there are no boxes: set open_vocabulary, too")
        return None, ""
    if config.labels != SOURCES:
        raise ValueError(
            f"labels {config.labels!r} is a table of ImageNet's classes, without the nouns of open_vocabulary {detector!r}; "
            f'set open_vocabulary: "", or labels: {SOURCES}'
        )
    eye = OpenVocabularyEye(
        open_prompted(find_folder(detector)),
        open_outliner(find_folder(outliner)) if outliner else None,
        source_nouns(sounds),
        every=config.open_vocabulary_every,
        own_score=config.open_vocabulary_score,
        score=config.detector_score,
        min_score=SUPPORTING * config.detector_score,
    )
    return eye, Path(detector).name


def _choose(config: ZeroShotConfig, key: str, known: Sequence[str], automatic: Sequence[str]) -> str | None:
    """Return the name in `known` or the file of the segmenter or detector (`key`) of a config, None for none.

    "auto" is the first of `automatic` that is available, and none with a label table.
    """
    chosen, labels = getattr(config, key), getattr(config, f"{key}_labels")
    if config.labels != SOURCES and chosen not in ("auto", "none"):
        raise ValueError(
            f"labels {config.labels!r} is a table of ImageNet's classes, without the classes of {key} {chosen!r}; "
            f"set {key}: none, or labels: {SOURCES}"
        )
    if labels and (chosen in ("auto", "none") or chosen in known):
        raise ValueError(f"{key}_labels is only for a .tflite or .onnx file, but {key} is {chosen!r}")
    if chosen == "none" or config.labels != SOURCES:
        return None
    if chosen == "auto":
        return next(filter(is_available, automatic), None)
    if chosen not in known and not Path(chosen).suffix:
        names = ", ".join(("auto", "none", *known))
        raise ValueError(f"{key} is {chosen!r}; expected one of {names}, or a .tflite or .onnx file")
    return chosen


def can_run(name: str) -> bool:
    """Return whether the runtime that reads the pretrained file `name` is installed."""
    return name not in (DEEPLAB, YAMNET) or importlib.util.find_spec("ai_edge_litert") is not None


def is_available(name: str) -> bool:
    """Return whether the pretrained file `name` is on this machine, and can be read."""
    return can_run(name) and manifest.locate(manifest.entry(name)) is not None


def _labels_beside(path: Path, labels: str) -> Path:
    return Path(labels) if labels else path.with_suffix(".txt")


def _load_pretrained(network: nn.Module, name: str) -> None:
    path = manifest.find(name)
    load_weights(network, from_public(read_tensors(path)), path)
