"""Public weights into C3N's encoders, by the names of a config's `model.visual` and `model.audio`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from c3n_model import weights
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.tensors import fill, read_tensors

# Name in a config -> names in the manifest of files that serve it, the preferred one first.
_WITH_ORIGINALS = (*(f"pvt_v2_b{size}" for size in range(6)), "swin_base_patch4_window7_224")
VISUAL_FILES = {name: (name, f"{name}_original") for name in _WITH_ORIGINALS} | {
    "mobilenetv2_100": ("mobilenetv2_100",)
}
AUDIO_FILES = {
    "mn04": ("mn04",),
    "mn10": ("mn10",),
    "vggish": ("vggish",),
    "panns_cnn14": ("panns_cnn14",),
    "panns_cnn14_16k": ("panns_cnn14_16k",),
    "panns_mobilenet_v1": ("panns_mobilenet_v1",),
    "beats": ("beats_cpt1", "beats_cpt2"),  # C3N's authors use the first
}


def load_visual(encoder: VisualEncoder, name: str) -> str:
    """Fill `encoder` with the ImageNet weights of backbone `name`; returns the manifest's name of the file it took.

    Raises:
        FileNotFoundError: no file that serves is here; the message says how to get one.
        ValueError: no public weights are known for `name`; the file is broken, or of another architecture.
    """
    file, path = _find_first(VISUAL_FILES, name, "visual")
    tensors = read_tensors(path)
    if file.endswith("_original"):
        from c3n_model.network.visual_checkpoints import from_public

        tensors = from_public(tensors)
    fill(encoder.backbone, tensors, path)
    return file


def load_audio(encoder: nn.Module, name: str) -> str:
    """Fill `encoder` with the AudioSet weights of audio encoder `name`; returns and raises as `load_visual` does."""
    file, path = _find_first(AUDIO_FILES, name, "audio")
    tensors = read_tensors(path)
    if name.startswith("panns"):
        from c3n_model.network.audio.panns import from_public

        tensors = from_public(tensors)
    elif name == "beats":
        from c3n_model.labels.names import audioset_mids
        from c3n_model.network.audio.beats import from_public

        tensors = from_public(tensors, audioset_mids(weights.find("audioset_classes")))
    elif name == "vggish":
        from c3n_model.network.audio.vggish import from_public

        tensors = from_public(tensors, read_tensors(weights.find("vggish_pca")))
    fill(encoder, tensors, path)
    return file


def _find_first(files: dict[str, Sequence[str]], name: str, kind: str) -> tuple[str, Path]:
    if name not in files:
        raise ValueError(
            f"no public weights are known for the {kind} encoder {name!r}; known: {', '.join(files)}. "
            "Classifiers of your own come in by --classifiers"
        )
    present = [file for file in files[name] if weights.locate(weights.entry(file))]
    file = next(iter([*present, *files[name]]))
    return file, weights.find(file)
