"""The zero-shot model from pretrained files."""

from __future__ import annotations

from pathlib import Path

from c3n_model.config import ZeroShotConfig
from c3n_model.labels.names import IMAGENET_CLASSES, audioset_names
from c3n_model.labels.similarity_table import LabelTable
from c3n_model.model import Model
from c3n_model.network.audio import build_audio_encoder
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.weights import manifest
from c3n_model.weights.pretrained import load_audio, load_visual, weights_at_hand
from c3n_model.zero_shot.logit_statistics import LogitStatistics, read_statistics
from c3n_model.zero_shot.sources import SOURCES, pretrained_detector, pretrained_segmenter
from c3n_model.zero_shot.vocabulary import PERSON, Vocabulary, noun_vocabulary, table_vocabulary
from c3n_model.zero_shot.zero_shot import ZeroShot


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
    segmenter, segmenter_name = pretrained_segmenter(config)
    detector, detector_name = pretrained_detector(config)
    if config.labels == SOURCES:
        known = (source.labels if source is not None else None for source in (segmenter, detector))
        vocabulary = noun_vocabulary(sounds, *known)
    else:
        vocabulary = table_vocabulary(LabelTable.load(Path(config.labels)), sounds)
    network = ZeroShot(
        visual_encoder=visual,
        audio_encoder=audio,
        vocabulary=vocabulary,
        segmenter=segmenter,
        detector=detector,
        detector_score=config.detector_score,
        alpha=config.alpha,
        beta=config.beta,
        refinement=config.refinement,
        prior=_prior(config, sounds),
        prior_weight=config.prior_weight,
        evidence_threshold=config.evidence_threshold,
    ).eval()
    note = _describe(config, [name for name in (segmenter_name, detector_name) if name], vocabulary)
    card = {"note": note, "files": [path.name for path in files]}
    return Model("zero_shot", network, config, sounds, vocabulary.labels, card=card)


def _prior(config: ZeroShotConfig, sounds: tuple[str, ...]) -> LogitStatistics | None:
    """The prior of the tagger: a file, or the table that is shipped for it; a table of labels (plain C3IM) takes none by itself."""
    if config.prior == "none":
        return None
    if config.prior != "auto":
        return read_statistics(Path(config.prior), sounds)
    shipped = Path(__file__).parent / f"prior_{config.audio}.csv"
    return read_statistics(shipped, sounds) if config.labels == SOURCES and shipped.is_file() else None


def _visual_encoder(name: str) -> tuple[VisualEncoder, Path]:
    """The classifier `name` with ImageNet's weights; of MobileNetV2 TensorFlow's, where they are."""
    name = weights_at_hand(name)
    encoder = VisualEncoder(name, IMAGENET_CLASSES)
    if encoder.backbone.pretrained_cfg.get("fixed_input_size"):
        raise ValueError(f"{name} reads pictures of one size; zero-shot masks need two: mobilenetv2_100, or a pvt_v2")
    return encoder, load_visual(encoder, name)[0]


def _describe(config: ZeroShotConfig, sources: list[str], vocabulary: Vocabulary) -> str:
    """Say what the model hears and sees by, and what it cannot see."""
    seen = f"ImageNet's classes ({config.visual})" + (f" and those of {' and '.join(sources)}" if sources else "")
    note = f"Zero-shot: no training on sounding objects. Hears by {config.audio}, sees {seen}. Masks are rough."
    people = vocabulary.labels.index(PERSON) if PERSON in vocabulary.labels else None
    if config.labels == SOURCES and people is not None and vocabulary.members[people].any():
        note += " It knows no people, only what they wear."
        if config.segmenter == "auto":
            note += ' A segmenter would: c3n weights get zero_shot; pip install "c3n-ros[zero-shot]".'
    return note
