"""The zero-shot model from pretrained files."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from c3n_model.config import ZeroShotConfig
from c3n_model.labels.names import IMAGENET_CLASSES, audioset_names
from c3n_model.labels.table import LabelTable
from c3n_model.model import Model
from c3n_model.network.audio import build_audio_encoder
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.weights import manifest
from c3n_model.weights.pretrained import load_audio, load_visual
from c3n_model.weights.tensors import fill, read_tensors
from c3n_model.zero_shot.segmenters import MaskRCNN, Segmenter, from_public, open_segmenter
from c3n_model.zero_shot.vocabulary import PERSON, noun_vocabulary, table_vocabulary
from c3n_model.zero_shot.zero_shot import ZeroShot

TF_MOBILENET = "mobilenetv2_100_tfsame"  # MobileNetV2 as TensorFlow trained it: other padding and pixel statistics
DEEPLAB = "deeplabv3_pascal"
MASK_RCNNS = ("maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2")
SOURCES = "sources"  # ZeroShotConfig.labels: our table of sound sources


def load_zero_shot(config: ZeroShotConfig | None = None) -> Model:
    """The model of a config (default: all defaults), its files found by the manifest.

    Raises:
        FileNotFoundError: a file is missing; the message says how to get it. ValueError: a file is broken or of another
        kind, a setting is unknown or does not go with another, or the segmenter's runtime is not installed.
    """
    try:
        return _load(config or ZeroShotConfig())
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}. `c3n weights get zero_shot` fetches all that its defaults need") from error


def _load(config: ZeroShotConfig) -> Model:
    if config.audio == "vggish" and config.history > 1:
        raise ValueError("vggish hears one second at a time; set history: 1, or another audio encoder")
    sounds = tuple(audioset_names(manifest.find("audioset_classes")))
    visual, visual_file = _visual_encoder(config.visual)
    audio = build_audio_encoder(config.audio, len(sounds))
    files = [visual_file, *load_audio(audio, config.audio)]
    segmenter, segmenter_name = _segmenter(config)
    if config.labels == SOURCES:
        vocabulary = noun_vocabulary(sounds, segmenter.labels if segmenter is not None else None)
    else:
        vocabulary = table_vocabulary(LabelTable.load(Path(config.labels)), sounds)
    network = ZeroShot(
        visual_encoder=visual,
        audio_encoder=audio,
        vocabulary=vocabulary,
        segmenter=segmenter,
        alpha=config.alpha,
        beta=config.beta,
        refinement=config.refinement,
    ).eval()
    seen = f"ImageNet's classes ({config.visual})" + (f" and those of {segmenter_name}" if segmenter_name else "")
    note = f"Zero-shot: no training on sounding objects. Hears by {config.audio}, sees {seen}. Masks are rough."
    if config.labels == SOURCES and PERSON not in vocabulary.labels[len(vocabulary.members) :]:
        note += " It knows no people, only what they wear."
        if config.segmenter == "auto":
            note += ' A segmenter would: c3n weights get zero_shot; pip install "c3n-ros[zero-shot]".'
    card = {"note": note, "files": [path.name for path in files]}
    return Model("zero_shot", network, config, sounds, vocabulary.labels, card=card)


def _visual_encoder(name: str) -> tuple[VisualEncoder, Path]:
    """The classifier `name` with ImageNet's weights; of MobileNetV2 TensorFlow's, where they are."""
    tensorflow = manifest.locate(manifest.entry(TF_MOBILENET))
    if name == "mobilenetv2_100" and tensorflow is not None:
        name = TF_MOBILENET
    encoder = VisualEncoder(name, IMAGENET_CLASSES)
    if encoder.backbone.pretrained_cfg.get("fixed_input_size"):
        raise ValueError(f"{name} reads pictures of one size; zero-shot masks need two: mobilenetv2_100, or a pvt_v2")
    return encoder, load_visual(encoder, name)[0]


def _choice(config: ZeroShotConfig) -> str:
    """The name of the segmenter that a config asks for: "auto" is what there is, none for a table of labels."""
    chosen = config.segmenter
    if config.labels != SOURCES:
        if chosen not in ("auto", "none"):
            raise ValueError(
                f"labels {config.labels!r} is a table of ImageNet's classes, which knows none of segmenter {chosen!r}; "
                f"set segmenter: none, or labels: {SOURCES}"
            )
        return "none"
    if chosen != "auto":
        return chosen
    has_tflite = importlib.util.find_spec("ai_edge_litert") is not None
    present = [name for name in (DEEPLAB, *MASK_RCNNS) if manifest.locate(manifest.entry(name)) is not None]
    return next((name for name in present if name != DEEPLAB or has_tflite), "none")


def _segmenter(config: ZeroShotConfig) -> tuple[Segmenter | None, str]:
    """The segmenter of a config and its name, None and "" for none."""
    chosen = _choice(config)
    if config.segmenter_labels and chosen in ("none", DEEPLAB, *MASK_RCNNS):
        raise ValueError(f"segmenter_labels goes with a .tflite or .onnx file; segmenter is {config.segmenter!r}")
    if chosen == "none":
        return None, ""
    if chosen == DEEPLAB:
        return open_segmenter(manifest.find(DEEPLAB), manifest.find(f"{DEEPLAB}_labels")), chosen
    if chosen in MASK_RCNNS:
        segmenter, path = MaskRCNN(chosen), manifest.find(chosen)
        fill(segmenter.network, from_public(read_tensors(path)), path)
        return segmenter, chosen
    path = Path(chosen)
    if not path.suffix:
        known = ", ".join(("auto", "none", DEEPLAB, *MASK_RCNNS))
        raise ValueError(f"segmenter is {chosen!r}; expected one of {known}, or a .tflite or .onnx file")
    labels = Path(config.segmenter_labels) if config.segmenter_labels else path.with_suffix(".txt")
    return open_segmenter(path, labels), path.name
