"""Frozen configuration. It stays at the door: builders turn it into plain arguments, no module below sees a config."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

Section = TypeVar("Section")

SMALLEST_IMAGE = 32  # pixels, one of the coarsest map
SCHEDULES = ("constant", "cosine", "authors")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class ModelConfig:
    """Everything that decides the network's shape. Defaults are the paper's (PVTv2-b5, C = 256, alpha = beta = 0.1)."""

    visual: str = "pvt_v2_b5"  # a timm backbone with a pyramid and a classifier: network/visual_encoder.py
    audio: str = "mn04"  # see c3n_model.network.audio
    image_size: int = 224  # frames are squashed to this square
    channels: int = 256  # C
    history: int = 5  # T, seconds that a clip or a session spans
    alpha: float = 0.1  # Eq. 6, exponent of the audio confidence
    beta: float = 0.1  # Eq. 6, exponent of the visual confidence
    consensus: str = "audio_visual"  # or "visual" (CC-V), or "none": Table II
    gate: str = "gradient"  # Eq. 9 as printed; "unit" is the authors' code, "standard" ours: network/attention.py
    gate_strength: float = 1.0  # factor of what enters Eq. 9: small, it leaves more of what the label does not name
    cam_point: str = "after_norm"  # Eq. 8: at V_i itself; "before_norm" is the authors' code: network/visual_encoder.py
    swin: str = "classifier"  # timm's Swin; "dense" is the authors' code
    audio_features: bool = True  # AF of Table II: the cross-modal non-local block
    pyramid: str = "aspp"  # or "tpavi", the sum of the baseline TPAVI: network/fusion.py
    fusion_norm: bool = False  # norms of the authors' code after the non-local block
    decoder: str = "plain"  # "authors" is the authors' code: network/decoder.py
    presence_threshold: float = 0.5  # below this audibility nothing is published: presence.py
    visibility_threshold: float = 0.0  # nor where the named visual class is less certain than this

    def __post_init__(self):
        _check_ranges(
            self, channels=(2, 4096), gate_strength=(0, 100), presence_threshold=(0, 1), visibility_threshold=(0, 1)
        )


@dataclass(frozen=True)
class TrainConfig:
    """How C3N is trained. Defaults are the paper's for S4 (Adam, 1e-4, batch 8, 20 epochs)."""

    epochs: int = 20
    batch_size: int = 8  # clips an update, over all processes
    accumulate: int = 1  # parts that a batch is computed in, where it does not fit into memory at once
    precision: str = "float32"  # or "bfloat16": mixed precision
    learning_rate: float = 1e-4
    backbone_learning_rate: float = 1e-4
    schedule: str = "constant"  # "cosine", down to a hundredth; "authors", their code's for S4: training/loop.py
    flip: bool = True
    color_jitter: bool = True
    freeze_backbone: bool = False  # the visual backbone keeps its pretrained weights
    cache_features: bool = False  # with a frozen backbone: all up to ASPP is computed once and kept on disk
    save_every: int = 200  # updates after which the state is saved, so that an interrupted training can go on
    seed: int = 0

    def __post_init__(self):
        for name in ("epochs", "batch_size", "accumulate", "save_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"train.{name} is {getattr(self, name)}; expected at least 1")
        for name, known in (("schedule", SCHEDULES), ("precision", PRECISIONS)):
            if getattr(self, name) not in known:
                raise ValueError(f"train.{name} is {getattr(self, name)!r}; expected {' or '.join(known)}")
        if self.cache_features and (self.color_jitter or not self.freeze_backbone):
            raise ValueError(
                "train.cache_features keeps what never changes: it needs freeze_backbone: true and color_jitter: false"
            )


@dataclass(frozen=True)
class PretrainConfig:
    """`steps` of `batch_size` fresh examples each, for either classifier of the synthetic world; one-cycle schedule up to
    `learning_rate`."""

    visual_steps: int = 3000
    visual_alone: bool = False  # only pictures of single objects: what learns from them is too sure among several
    visual_precision: str = "float32"  # or "bfloat16": mixed precision; of the audio classifier it is no faster
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
    """Masks from pretrained classifiers alone: `c3n_model.zero_shot`."""

    visual: str = "mobilenetv2_100"  # a timm backbone with public ImageNet weights: c3n weights list
    audio: str = "mn04"  # an AudioSet tagger with public weights
    segmenter: str = (
        "auto"  # deeplabv3_pascal, maskrcnn_resnet50_fpn, a .tflite or .onnx file, none; auto: what is there
    )
    segmenter_labels: str = ""  # text file with a class a line; default: beside the segmenter, with .txt
    labels: str = "sources"  # what sounds like what: our table of sound sources, or a file of c3n labels build
    alpha: float = 0.33  # Eq. 6, exponent of the audio confidence
    beta: float = 0.2  # Eq. 6, exponent of the visual confidence
    history: int = 5  # seconds of sound that the class is heard in
    refinement: str = "affinity"  # of class activations; or "none", or "grabcut", slower
    prior: str = "auto"  # what the tagger says of unrelated sounds: a file of c3n labels prior, none; auto: ours, if there is one
    prior_weight: float = 0.25  # the part of the prior that is subtracted before Eq. 6
    evidence_threshold: float = 2.0  # standard deviations above the prior below which a sound is not published
    presence_threshold: float = 0.34  # consensus below which nothing is published
    visibility_threshold: float = 0.05  # nor where the named visual class is less certain than this
    image_size: int = 512  # frames are squashed to this square before they are scaled for each part

    def __post_init__(self):
        ranges = {"presence_threshold": (0, 1), "visibility_threshold": (0, 1)}
        _check_ranges(self, prior_weight=(0, 1), evidence_threshold=(0, 100), **ranges)
        if self.alpha == self.beta == 0:
            raise ValueError("alpha and beta are both 0: neither what is heard nor what is seen would count")


@dataclass(frozen=True)
class Config:
    """The sections of a YAML file such as config/demo.yaml."""

    model: ModelConfig
    pretrain: PretrainConfig
    train: TrainConfig
    zero_shot: ZeroShotConfig


def read_config(path: Path) -> Config:
    """The sections of a YAML file; what is not named has its default.

    Raises:
        FileNotFoundError: no such file. ValueError: no YAML, an unknown section or key, a value that cannot be.
    """
    try:
        sections = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    sections = {} if sections is None else sections
    kinds = {"model": ModelConfig, "pretrain": PretrainConfig, "train": TrainConfig, "zero_shot": ZeroShotConfig}
    if not isinstance(sections, dict):
        raise ValueError(f"{path} must hold the sections {', '.join(kinds)}, got a {type(sections).__name__}")
    unknown = [name for name in sections if name not in kinds]
    if unknown:
        raise ValueError(f"{path} has the unknown section {unknown[0]!r}; expected {', '.join(kinds)}")
    named = {name: section for name, section in sections.items() if section is not None}  # "model:" alone is None
    return Config(**{name: from_mapping(kind, named.get(name, {})) for name, kind in kinds.items()})


def from_mapping(kind: type[Section], values: Mapping) -> Section:
    """A config from a mapping (YAML, checkpoint).

    Raises:
        ValueError: no mapping; an unknown key, naming the nearest known one; a value of another type or out of range.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{kind.__name__} must be a mapping of keys and values, got {values!r}")
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]  # a TypeVar cannot say "dataclass"
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known keys: {', '.join(known)}"
            raise ValueError(f"{kind.__name__} has no key {key!r}{hint}")
    return kind(**{name: _typed(field, values[name]) for name, field in known.items() if name in values})


def _check_ranges(config: ModelConfig | ZeroShotConfig, **more: tuple[float, float]) -> None:
    """The bounds of what both kinds of model have, and `more`; NaN is in none."""
    ranges = {"history": (1, 60), "image_size": (SMALLEST_IMAGE, 4096), "alpha": (0, 10), "beta": (0, 10), **more}
    for name, (lowest, highest) in ranges.items():
        value = getattr(config, name)
        if not value >= lowest:
            raise ValueError(f"{name} must be at least {lowest}, got {value}")
        if value > highest:
            raise ValueError(f"{name} must be at most {highest}, got {value}")


def _typed(field: Field, value: Any) -> Any:
    """`value`, if it is of the type of the field's default (a whole number will do for a float)."""
    wanted = type(field.default)
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        hint = "; YAML reads 1e-3 as text, write 1.0e-3" if wanted is float else ""
        raise ValueError(f"{field.name} must be a {wanted.__name__}, got {value!r}{hint}")
    return value


def to_mapping(config: Any) -> dict:
    """The config as a plain dict, for YAML and checkpoints."""
    return asdict(config)


def digest(about: dict) -> str:
    """Eight hexadecimal digits that change with `about`, which JSON can hold."""
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:8]
