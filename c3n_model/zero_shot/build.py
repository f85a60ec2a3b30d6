"""The zero-shot model from pretrained files."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from c3n_model import weights
from c3n_model.config import ZeroShotConfig
from c3n_model.labels.names import audioset_names
from c3n_model.labels.table import LabelTable
from c3n_model.model import Model
from c3n_model.network.audio import build_audio_encoder
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.pretrained import load_audio, load_visual
from c3n_model.tensors import fill, read_tensors
from c3n_model.zero_shot.network import ZeroShot
from c3n_model.zero_shot.segmenters import MaskRCNN, Segmenter, open_segmenter
from c3n_model.zero_shot.vocabulary import noun_vocabulary, table_vocabulary

IMAGENET_CLASSES = 1000
TF_MOBILENET = "mobilenetv2_100_tfsame"  # MobileNetV2 as TensorFlow trained it: other padding and pixel statistics
DEEPLAB, MASK_RCNN = "deeplabv3_pascal", "maskrcnn_resnet50_fpn"


def load_zero_shot(config: ZeroShotConfig | None = None) -> Model:
    """The model of a config (default: all defaults), its files found by the manifest.

    Raises:
        FileNotFoundError: a file is missing; the message says how to get it. ValueError: a file is broken or of another
        kind, or a setting is unknown. ImportError: the segmenter's runtime is not installed.
    """
    config = config or ZeroShotConfig()
    sounds = tuple(audioset_names(weights.find("audioset_classes")))
    visual, visual_file = _visual_encoder(config.visual)
    audio = build_audio_encoder(config.audio, len(sounds))
    files = [visual_file, *load_audio(audio, config.audio)]
    segmenter, segmenter_name = _segmenter(config)
    if config.labels == "sources":
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
    if "person" not in vocabulary.labels[len(vocabulary.members) :]:
        note += " Knows no people, only what they wear: c3n weights get zero_shot; pip install ai-edge-litert."
    card = {"note": note, "files": [path.name for path in files]}
    return Model("zero_shot", network, config, sounds, vocabulary.labels, card=card)


def _visual_encoder(name: str) -> tuple[VisualEncoder, Path]:
    """The classifier `name` with ImageNet's weights; of MobileNetV2 TensorFlow's, where they are."""
    tensorflow = weights.locate(weights.entry(TF_MOBILENET))
    if name == "mobilenetv2_100" and tensorflow is not None:
        encoder = VisualEncoder(name, IMAGENET_CLASSES, create_arguments={"pad_type": "same"})
        encoder.set_normalisation(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
        fill(encoder.backbone, read_tensors(tensorflow), tensorflow)
        return encoder, tensorflow
    encoder = VisualEncoder(name, IMAGENET_CLASSES)
    return encoder, load_visual(encoder, name)[0]


def _segmenter(config: ZeroShotConfig) -> tuple[Segmenter | None, str]:
    """The segmenter of a config and its name, None and "" for none."""
    chosen = config.segmenter
    if chosen == "auto":
        has_tflite = importlib.util.find_spec("ai_edge_litert") is not None
        if has_tflite and weights.locate(weights.entry(DEEPLAB)) is not None:
            chosen = DEEPLAB
        else:
            chosen = MASK_RCNN if weights.locate(weights.entry(MASK_RCNN)) is not None else "none"
    if chosen == "none":
        return None, ""
    if chosen == DEEPLAB:
        return open_segmenter(weights.find(DEEPLAB), weights.find(f"{DEEPLAB}_labels")), chosen
    if chosen == MASK_RCNN:
        segmenter, path = MaskRCNN(), weights.find(MASK_RCNN)
        fill(segmenter.network, read_tensors(path), path)
        return segmenter, chosen
    path = Path(chosen)
    labels = Path(config.segmenter_labels) if config.segmenter_labels else path.with_suffix(".txt")
    return open_segmenter(path, labels), path.name
