"""Frozen configuration dataclasses, read from YAML. The network modules get plain arguments, not these classes."""

from __future__ import annotations

import difflib
import hashlib
import json
import reprlib
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import yaml

Section = TypeVar("Section")

SMALLEST_IMAGE = 32  # pixels; the coarsest feature map (stride 32) then has a single cell
SCHEDULES = ("constant", "cosine", "authors")
DICES = ("paper", "authors")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class ModelConfig:
    """Architecture of C3N. The defaults are the paper's (PVTv2-b5, C = 256, alpha = beta = 0.1)."""

    visual: str = "pvt_v2_b5"  # a timm backbone with a feature pyramid and a classifier: network/visual_encoder.py
    audio: str = "mn04"  # see c3n_model.network.audio
    image_size: int = 224  # frames are resized to this square, ignoring their aspect ratio
    channels: int = 256  # C
    history: int = 5  # T, length of a clip or a session's context [s]
    alpha: float = 0.1  # Eq. 6, exponent of the audio confidence
    beta: float = 0.1  # Eq. 6, exponent of the visual confidence
    consensus: str = "audio_visual"  # or "visual" (CC-V), or "none": Table II
    audio_scores: str = "logits"  # argument of the softmax of Eq. 1; "sigmoid" in the authors' code for S4 with PANNs
    # Order of the audio classes in C3IM: AudioSet's; or with "checkpoint" that of BEATs' file, as in the authors' code
    audio_order: str = "audioset"
    snippet_spacing_s: float = 1.0  # between the starts of a clip's snippets; 0.96 in the authors' code with VGGish
    gate: str = "gradient"  # Eq. 9 as printed; "unit" is the authors' code, "standard" ours: network/attention.py
    gate_strength: float = 1.0  # factor on the input of Eq. 9; smaller values suppress other objects less
    cam_point: str = "after_norm"  # Eq. 8: at V_i itself; "before_norm" is the authors' code: network/visual_encoder.py
    swin: str = "classifier"  # timm's Swin; "dense" is the authors' code
    audio_features: bool = True  # AF of Table II: the cross-modal non-local block
    pyramid: str = "aspp"  # or "tpavi", the sum of the baseline TPAVI: network/fusion.py
    fusion_norm: bool = False  # adds the norms that the authors' code has after the non-local block
    decoder: str = "plain"  # "authors" is the authors' code: network/decoder.py
    presence_threshold: float = 0.5  # audibility below which the mask is empty: presence.py
    visibility_threshold: float = 0.0  # confidence of the visual class below which the mask is empty

    def __post_init__(self):
        thresholds = dict.fromkeys(("presence_threshold", "visibility_threshold"), (0, 1))
        _check_ranges(self, channels=(2, 4096), snippet_spacing_s=(0.5, 1), gate_strength=(0, 100), **thresholds)


@dataclass(frozen=True)
class TrainConfig:
    """Training of C3N. The defaults are the paper's for S4 (Adam, 1e-4, batch 8, 20 epochs)."""

    epochs: int = 20
    batch_size: int = 8  # clips per update, over all processes
    accumulate: int = 1  # gradient accumulation: number of forward passes per batch, for batches too large for memory
    precision: str = "float32"  # or "bfloat16": mixed precision
    learning_rate: float = 1e-4
    backbone_learning_rate: float = 1e-4
    schedule: str = "constant"  # or "cosine" (to 1 %), or "authors", their code's for S4: training/optimisation.py
    dice: str = "paper"  # how Eq. 16 is smoothed; "authors" is the authors' code: training/losses.py
    bce_weight: float = 1.0  # factor of the cross entropy in Eq. 16; 1.5 in the authors' code for MS3 with BEATs
    flip: bool = True
    color_jitter: bool = True
    stochastic_depth: float = 0.0  # drop rate of the visual backbone's last block; decreases linearly for earlier ones
    freeze_backbone: bool = False  # keep the pretrained weights of the visual backbone
    cache_features: bool = False  # with a frozen backbone: run both encoders once and cache what they give on disk
    fit_thresholds: bool = False  # fit when a mask is published on the validation clips: training/thresholds.py
    negatives: float = 0.0  # fraction of clips that get a sound without a source in view: training/negatives.py
    save_every: int = 200  # updates between saved training states, from which an interrupted training resumes
    seed: int = 0

    def __post_init__(self):
        for name in ("epochs", "batch_size", "accumulate", "save_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"train.{name} is {getattr(self, name)}; expected at least 1")
        for name, known in (("schedule", SCHEDULES), ("dice", DICES), ("precision", PRECISIONS)):
            if getattr(self, name) not in known:
                raise ValueError(f"train.{name} is {getattr(self, name)!r}; expected {' or '.join(known)}")
        for name, highest in (("bce_weight", 100), ("stochastic_depth", 0.99), ("negatives", 0.99)):
            if not 0 <= getattr(self, name) <= highest:
                raise ValueError(f"train.{name} is {getattr(self, name)}; expected a number from 0 to {highest}")
        if self.schedule == "authors" and self.epochs < 7:
            raise ValueError(f"train.epochs is {self.epochs}; schedule: authors needs at least 7, the last 5 flat")
        if self.stochastic_depth and self.freeze_backbone:
            raise ValueError(
                f"train.stochastic_depth is {self.stochastic_depth}, but it is not applied to a frozen backbone; "
                "set stochastic_depth: 0.0 or freeze_backbone: false"
            )
        if self.cache_features and self.negatives:
            raise ValueError(
                "train.negatives replaces sounds, of which train.cache_features keeps the features: set one of them"
            )
        if self.cache_features and (self.color_jitter or not self.freeze_backbone):
            raise ValueError(
                "train.cache_features requires features that never change: set freeze_backbone: true and "
                "color_jitter: false"
            )


@dataclass(frozen=True)
class PretrainConfig:
    """Pretraining of the two classifiers of the synthetic world.

    Each step draws `batch_size` new examples; the schedule is one-cycle with the peak `learning_rate`.
    """

    visual_steps: int = 3000
    visual_alone: bool = False  # only images of single objects, which makes it overconfident where there are several
    visual_precision: str = "float32"  # or "bfloat16": mixed precision; it does not speed up the audio classifier
    audio_steps: int = 1500
    batch_size: int = 48
    learning_rate: float = 3e-3
    seed: int = 0

    def __post_init__(self):
        if self.visual_precision not in PRECISIONS:
            raise ValueError(
                f"pretrain.visual_precision is {self.visual_precision!r}; expected {' or '.join(PRECISIONS)}"
            )


@dataclass(frozen=True)
class ZeroShotConfig:
    """The zero-shot model, built from pretrained classifiers without training: `c3n_model.zero_shot`."""

    visual: str = "mobilenetv2_100"  # a timm backbone with public ImageNet weights: c3n weights list
    audio: str = "mn04"  # an AudioSet tagger with public weights
    second_audio: str = "auto"  # yamnet, whose logits are averaged with those of the first, or none; auto: if installed
    # deeplabv3_pascal, maskrcnn_resnet50_fpn, a .tflite or .onnx file, or none; auto: whichever is installed
    segmenter: str = "auto"
    segmenter_labels: str = ""  # text file with one class per line; default: the segmenter's path with suffix .txt
    # A torchvision detector of c3n weights list, a .tflite or .onnx file, or none; auto: whichever is installed
    detector: str = "auto"
    detector_labels: str = ""  # text file with one class per line; default: the detector's path with suffix .txt
    detector_input: str = "auto"  # range of float input: unit, symmetric, bytes, imagenet; auto: usual for the outputs
    detector_score: float = 0.3  # detections with a lower score are ignored
    open_vocabulary: str = ""  # GroundingDINO, OWLv2 or CLIPSeg, which is asked for what is heard: a folder or a hub id
    open_vocabulary_masks: str = ""  # SAM 2 of transformers, which outlines its boxes: a folder or an id
    open_vocabulary_score: float = 0.0  # score on its own scale that counts as detector_score; 0: usual for its kind
    open_vocabulary_every: int = 5  # windows after which it looks again although neither nouns nor picture have changed
    labels: str = "sources"  # label similarities: the built-in table of sound sources, or a file of c3n labels build
    alpha: float = 0.33  # Eq. 6, exponent of the audio confidence
    beta: float = 0.2  # Eq. 6, exponent of the visual confidence
    history: int = 5  # length of the sound that is classified [s]
    refinement: str = "affinity"  # of class activation maps; or "none", or "grabcut" (slower)
    # What the tagger says of unrelated sounds, and the classifier of unrelated pictures: a file of c3n labels prior or
    # c3n labels visual-prior, or none; auto: the built-in one, if there is one for these weights
    prior: str = "auto"
    visual_prior: str = "auto"
    prior_weight: float = 0.25  # fraction of the prior that is subtracted before Eq. 6
    evidence_threshold: float = 2.0  # standard deviations above the prior below which a sound is not published
    presence_threshold: float = 0.38  # consensus below which the mask is empty
    visibility_threshold: float = 0.05  # confidence of the visual class below which the mask is empty
    image_size: int = 512  # frames are resized to this square before each network scales them

    def __post_init__(self):
        ranges = dict.fromkeys(("presence_threshold", "visibility_threshold", "prior_weight", "detector_score"), (0, 1))
        more = {"open_vocabulary_score": (0, 1), "open_vocabulary_every": (1, 3600)}
        _check_ranges(self, evidence_threshold=(0, 100), **ranges, **more)
        if self.alpha == self.beta == 0:
            raise ValueError("alpha and beta are both 0; set at least one above 0, or no confidence would be used")


@dataclass(frozen=True)
class CombinedConfig:
    """A trained C3N beside the zero-shot model of the section zero_shot: `c3n_model.combination`."""

    trained: str = ""  # checkpoint written by c3n train; its own gate decides what it publishes
    # ... and this, if it is higher: what zero_shot does not publish is more often not in view
    presence_threshold: float = 0.0


@dataclass(frozen=True)
class Config:
    """The sections of a YAML file such as config/demo.yaml."""

    model: ModelConfig
    pretrain: PretrainConfig
    train: TrainConfig
    zero_shot: ZeroShotConfig
    combined: CombinedConfig


def read_config(path: Path) -> Config:
    """Read a YAML file such as config/demo.yaml; missing sections and keys get their defaults.

    Raises:
        FileNotFoundError: no such file.
        ValueError: invalid YAML, an unknown section or key, or an invalid value.
    """
    try:
        sections = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    sections = {} if sections is None else sections
    kinds = get_type_hints(Config)
    if not isinstance(sections, dict):
        raise ValueError(f"{path} must contain the sections {', '.join(kinds)}, got a {type(sections).__name__}")
    unknown = [name for name in sections if name not in kinds]
    if unknown:
        raise ValueError(f"{path} has the unknown section {reprlib.repr(unknown[0])}; expected {', '.join(kinds)}")
    named = {name: section for name, section in sections.items() if section is not None}  # "model:" alone is None
    return Config(**{name: from_mapping(kind, named.get(name, {})) for name, kind in kinds.items()})


def from_mapping(kind: type[Section], values: Mapping) -> Section:
    """Build a config from a mapping (YAML section, checkpoint).

    Raises:
        ValueError: not a mapping; an unknown key (the closest known one is suggested); a value of the wrong type or out
        of range.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{kind.__name__} must be a mapping of keys and values, got {reprlib.repr(values)}")
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]  # a TypeVar cannot say "dataclass"
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(reprlib.repr(key).strip("'"), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known keys: {', '.join(known)}"
            raise ValueError(f"{kind.__name__} has no key {reprlib.repr(key)}{hint}")
    return kind(**{name: _typed(field, values[name]) for name, field in known.items() if name in values})


def _check_ranges(config: ModelConfig | ZeroShotConfig, **more: tuple[float, float]) -> None:
    """Check the shared numeric ranges and `more`; reject NaN."""
    ranges = {"history": (1, 60), "image_size": (SMALLEST_IMAGE, 4096), "alpha": (0, 10), "beta": (0, 10), **more}
    for name, (lowest, highest) in ranges.items():
        value = getattr(config, name)
        if not value >= lowest:
            raise ValueError(f"{name} must be at least {lowest}, got {value}")
        if value > highest:
            raise ValueError(f"{name} must be at most {highest}, got {value}")


def _typed(field: Field, value: Any) -> Any:
    """Return `value` if it has the type of the field's default; integers are converted for float fields."""
    expected = type(field.default)
    if expected is float and type(value) is int:
        return float(value)
    if type(value) is not expected:
        hint = "; YAML reads 1e-3 as text, write 1.0e-3" if expected is float else ""
        raise ValueError(f"{field.name} must be of type {expected.__name__}, got {reprlib.repr(value)}{hint}")
    return value


def to_mapping(config: Any) -> dict:
    """Convert a config to a plain dict, for YAML and checkpoints."""
    return asdict(config)


def digest(settings: dict) -> str:
    """Hash `settings`, which must be JSON-serialisable, to eight hexadecimal digits."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
