"""Which pretrained files a zero-shot config reads, and which of them it can do without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from c3n_model.config import ZeroShotConfig
from c3n_model.weights import manifest
from c3n_model.weights.pretrained import AUDIO_FILES, VISUAL_FILES
from c3n_model.zero_shot.sources import DEEPLAB, SOURCES, YAMNET, can_run
from c3n_model.zero_shot.torchvision_detectors import DETECTORS, MASK_RCNNS

_INSTEAD = {"mobilenetv2_100": ("mobilenetv2_100_tfsame",)}  # taken where it is: zero_shot.build
_DEFAULT_DETECTOR = "ssdlite320_mobilenet_v3_large"


@dataclass(frozen=True)
class NeededFiles:
    """Names of the manifest: `required`, without which the model does not load, and `optional`, without which it sees or hears less."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


def needed_files(config: ZeroShotConfig) -> NeededFiles:
    """Return the pretrained files of a config; with `auto`, those that `c3n weights get zero_shot` would fetch.

    Names that the manifest does not know are left out: loading refuses them with what it expects.
    """
    required = ["audioset_classes", _first(VISUAL_FILES, config.visual), _first(AUDIO_FILES, config.audio)]
    if config.second_audio not in ("auto", "none"):
        required.append(config.second_audio)
    optional: list[str] = []
    segmenters, detectors = (DEEPLAB, *MASK_RCNNS), [name for name in DETECTORS if name not in MASK_RCNNS]
    if config.labels == SOURCES:
        if config.second_audio == "auto" and not _is_there(YAMNET) and can_run(YAMNET):
            optional += [YAMNET]
        if config.segmenter == "auto" and not any(map(_is_there, segmenters)) and can_run(DEEPLAB):
            optional += [DEEPLAB]
        if config.detector == "auto" and not any(map(_is_there, detectors)):
            optional += [_DEFAULT_DETECTOR]
        required += [name for name in (config.segmenter, config.detector) if name not in ("auto", "none")]
    return NeededFiles(_known(required), _known(optional))


def _first(files: Mapping[str, Sequence[str]], name: str) -> str:
    """The file of an encoder: one that is there, or the preferred one."""
    choices = [*_INSTEAD.get(name, ()), *files.get(name, (name,))]
    return next(filter(_is_there, choices), files.get(name, (name,))[0])


def _known(names: list[str]) -> tuple[str, ...]:
    """The names that the manifest has, with the labels of the segmenter."""
    with_labels = [one for name in names for one in ([name, f"{name}_labels"] if name == DEEPLAB else [name])]
    return tuple(name for name in dict.fromkeys(with_labels) if name in manifest.read_manifest())


def _is_there(name: str) -> bool:
    return name in manifest.read_manifest() and manifest.locate(manifest.entry(name)) is not None
