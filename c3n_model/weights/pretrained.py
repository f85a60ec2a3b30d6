"""Load public weights into C3N's encoders, by the names of a config's `model.visual` and `model.audio`."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.weights import manifest
from c3n_model.weights.tensors import load_weights, read_tensors
from c3n_model.weights.timm_names import to_timm_names

# Name in a config -> names of suitable files in the manifest, the preferred one first.
_WITH_ORIGINALS = (*(f"pvt_v2_b{size}" for size in range(6)), "swin_base_patch4_window7_224")
VISUAL_FILES = {name: (name, f"{name}_original") for name in _WITH_ORIGINALS} | {
    name: (name,) for name in ("mobilenetv2_100", "mobilenetv2_100_tfsame")
}
_SINGLE = ("mn04", "mn10", "vggish", "panns_cnn14", "panns_cnn14_16k", "panns_mobilenet_v1")
AUDIO_FILES = {name: (name,) for name in _SINGLE} | {
    "beats": ("beats_cpt1", "beats_cpt2")  # C3N's authors use cpt1
}

# Other public weights of an encoder, which are taken where they are: they need another padding and other pixel statistics.
_VARIANTS = {"mobilenetv2_100": "mobilenetv2_100_tfsame"}  # TensorFlow's

SAME_FRONT_END_DB = 0.01  # rounding accounts for less than 0.001

# Additional files that `load_audio` reads.
_ADDITIONAL = {"beats": ("audioset_classes",), "vggish": ("vggish_pca", "vggish_head")}


def needed_files(visual: str, audio: str) -> list[str]:
    """Return the manifest's names of all files that `load_visual` and `load_audio` read, present or not.

    Raises ValueError for an encoder without known public weights.
    """
    return [
        _choose(VISUAL_FILES, visual, "visual"),
        _choose(AUDIO_FILES, audio, "audio"),
        *_ADDITIONAL.get(audio, ()),
    ]


def weights_at_hand(visual: str) -> str:
    """Return the name, for `VisualEncoder` and `load_visual`, of the weights of `visual` that are on this machine."""
    variant = _VARIANTS.get(visual)
    return variant if variant is not None and manifest.locate(manifest.entry(variant)) is not None else visual


def load_visual(encoder: VisualEncoder, name: str) -> list[Path]:
    """Load the ImageNet weights of backbone `name` into `encoder`. Returns the files read.

    Raises:
        FileNotFoundError: no suitable file on this machine; the message says how to get one.
        ValueError: no public weights are known for `name`; a file is damaged or of another architecture.
    """
    path = _find_first(VISUAL_FILES, name, "visual")
    tensors = read_tensors(path)
    try:
        tensors = to_timm_names(tensors.get("model", tensors), encoder.backbone)
    except ValueError as error:
        raise ValueError(f"{path} does not fit {name}: {error}") from error
    load_weights(encoder.backbone, tensors, path)
    if encoder.norms is not None:  # as in the authors' code, which reads no final norm, so that all four start alike
        encoder.backbone.norm.reset_parameters()
    return [path]


def load_audio(encoder: nn.Module, name: str) -> list[Path]:
    """Load the AudioSet weights of audio encoder `name` into `encoder`; returns and raises as `load_visual` does."""
    path = _find_first(AUDIO_FILES, name, "audio")
    tensors, additional = _convert(encoder, name, path)
    load_weights(encoder, tensors, path)
    return [path, *additional]


def find_class_places(name: str) -> Tensor:
    """Read the place of each AudioSet class in the public file of audio encoder `name`, int64 (K_a,): see
    `C3N.consensus_inputs`.

    Raises:
        FileNotFoundError: no such file on this machine; the message says how to get one.
        ValueError: an encoder whose classes are in AudioSet's own order; a damaged file.
    """
    if name != "beats":
        raise ValueError(
            f"audio_order: checkpoint is for BEATs; {name!r} has AudioSet's order, use audio_order: audioset"
        )
    from c3n_model.weights import beats

    path = _find_first(AUDIO_FILES, name, "audio")
    tensors = read_tensors(path)
    if "label_dict" not in tensors:
        raise ValueError(f"{path} has no label_dict; expected a public fine-tuned BEATs checkpoint: get it again")
    return torch.tensor(beats.rows_of(_audioset_mids(manifest.find("audioset_classes")), tensors["label_dict"]))


def _convert(encoder: nn.Module, name: str, path: Path) -> tuple[dict[str, Tensor], list[Path]]:
    """Read the public file. Returns its tensors under our names, and the additional files read."""
    tensors = read_tensors(path)
    if name.startswith("panns"):
        from c3n_model.weights import panns

        difference_db = panns.front_end_difference(encoder.front_end, tensors)
        if difference_db > SAME_FRONT_END_DB:
            raise ValueError(
                f"{path} was trained with another front end than {name}: expected a difference below {SAME_FRONT_END_DB} dB, "
                f"got {difference_db:.3g} dB; get the weights of {name}"
            )
        return panns.from_public(tensors), []
    if name == "beats":
        from c3n_model.weights import beats

        classes = manifest.find("audioset_classes")
        return beats.from_public(tensors, _audioset_mids(classes)), [classes]
    if name == "vggish":
        from c3n_model.weights import vggish

        whitening, head = manifest.find("vggish_pca"), manifest.find("vggish_head")
        vggish.load_head(head, encoder)
        trained = {key: value for key, value in encoder.state_dict().items() if key.startswith(vggish.HEAD_PREFIX)}
        return vggish.from_public(tensors, read_tensors(whitening)) | trained, [whitening, head]
    return tensors, []


def _audioset_mids(path: Path) -> list[str]:
    """Read AudioSet's class ids ("/m/09x0r"), in the order of its csv."""
    with path.open(newline="", encoding="utf-8") as file:
        return [row["mid"] for row in csv.DictReader(file)]


def _find_first(files: dict[str, Sequence[str]], name: str, kind: str) -> Path:
    return manifest.find(_choose(files, name, kind))


def _choose(files: dict[str, Sequence[str]], name: str, kind: str) -> str:
    """Choose the manifest's name of a file for encoder `name`: the first that is present, else the preferred one."""
    if name not in files:
        raise ValueError(f"no public weights are known for the {kind} encoder {name!r}; known: {', '.join(files)}")
    present = [file for file in files[name] if manifest.locate(manifest.entry(file))]
    return next(iter([*present, *files[name]]))
