"""Build the zero-shot model from pretrained files."""

from __future__ import annotations

from pathlib import Path

from c3n_model.config import ZeroShotConfig
from c3n_model.environment import install_command
from c3n_model.labels.names import IMAGENET_CLASSES, audioset_names
from c3n_model.labels.similarity_table import LabelTable
from c3n_model.model import Model
from c3n_model.network.folded_norms import fold_norms
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.weights import manifest
from c3n_model.weights.first_use import missing_files, put_by_hand
from c3n_model.weights.pretrained import load_visual, weights_at_hand
from c3n_model.zero_shot.logit_statistics import LogitStatistics, read_statistics
from c3n_model.zero_shot.needed_files import needed_files
from c3n_model.zero_shot.sources import SOURCES, YAMNET, pretrained_detector, pretrained_eye, pretrained_segmenter
from c3n_model.zero_shot.taggers import load_taggers
from c3n_model.zero_shot.visual_prior import VisualPrior, read_visual_prior
from c3n_model.zero_shot.vocabulary import CLASSIFIED_NOUNS, PERSON, Vocabulary, noun_vocabulary, table_vocabulary
from c3n_model.zero_shot.zero_shot import ZeroShot


def load_zero_shot(config: ZeroShotConfig | None = None) -> Model:
    """Build the model of a config (default: all defaults) from files that the manifest finds.

    Raises:
        FileNotFoundError: a file is missing; the message says how to get it. ValueError: a file is damaged or of the wrong
        type, a setting is unknown or conflicts with another, or a runtime or package that it needs is not installed.
    """
    config = config or ZeroShotConfig()
    try:
        return _load(config)
    except FileNotFoundError as error:
        files = needed_files(config)
        missing = missing_files([*files.required, *files.optional])
        if not missing:  # a file of the config's own, or a model of open_vocabulary
            raise
        remedy = "`c3n weights get zero_shot` downloads the files of the defaults"
        raise FileNotFoundError(f"{error}. {remedy}; or {put_by_hand(missing)}") from error


def _load(config: ZeroShotConfig) -> Model:
    if config.audio == "vggish" and config.history > 1:
        raise ValueError("vggish encodes one second at a time; set history: 1, or choose another audio encoder")
    sounds = tuple(audioset_names(manifest.find("audioset_classes")))
    visual, visual_file = load_classifier(config.visual)
    plain = (
        config.labels != SOURCES and config.second_audio == "auto"
    )  # plain C3IM has one tagger, unless another is asked for
    audio, audio_files, taggers = load_taggers(config.audio, "none" if plain else config.second_audio, sounds)
    files = [visual_file, *audio_files]
    segmenter, segmenter_name = pretrained_segmenter(config)
    detector, detector_name = pretrained_detector(config)
    eye, eye_name = pretrained_eye(config, sounds)
    if config.labels == SOURCES:
        segments, closed, asked = (part.labels if part is not None else () for part in (segmenter, detector, eye))
        vocabulary = noun_vocabulary(sounds, segments, (*closed, *asked))
    else:
        vocabulary = table_vocabulary(LabelTable.load(Path(config.labels)), sounds)
    network = ZeroShot(
        visual_encoder=visual,
        audio_encoder=audio,
        vocabulary=vocabulary,
        segmenter=segmenter,
        detector=detector,
        eye=eye,
        detector_score=config.detector_score,
        alpha=config.alpha,
        beta=config.beta,
        refinement=config.refinement,
        prior=_prior(config, taggers, sounds),
        visual_prior=_visual_prior(config, visual_file),
        prior_weight=config.prior_weight,
        evidence_threshold=config.evidence_threshold,
    ).eval()
    note = _describe(config, taggers, [name for name in (segmenter_name, detector_name, eye_name) if name], vocabulary)
    if config.visual_prior == "auto" and network.visual_prior is None and network.prior is not None:
        note += (
            f" What fills little of the picture is seen less often: there is no visual prior of {visual_file.name}; "
        )
        note += "c3n labels visual-prior makes one from any pictures."
    card = {"note": note, "files": [path.name for path in files], "tagger": taggers}
    return Model("zero_shot", network, config, sounds, vocabulary.labels, card=card)


def _prior(config: ZeroShotConfig, taggers: str, sounds: tuple[str, ...]) -> LogitStatistics | None:
    """Read the prior of the taggers: a file, or the table shipped for them. With a label table (plain C3IM), "auto" is no prior."""
    if config.prior == "none":
        return None
    if config.prior != "auto":
        return read_statistics(Path(config.prior), sounds, taggers)
    shipped = Path(__file__).parent / f"prior_{taggers}.csv"
    return read_statistics(shipped, sounds, taggers) if config.labels == SOURCES and shipped.is_file() else None


def _visual_prior(config: ZeroShotConfig, weights: Path) -> VisualPrior | None:
    """Read the visual prior: a file, or the table shipped for these weights of the classifier."""
    if config.visual_prior == "none":
        return None
    shipped = Path(__file__).parent / f"visual_prior_{weights.stem}.csv"
    path = shipped if config.visual_prior == "auto" else Path(config.visual_prior)
    return read_visual_prior(path, CLASSIFIED_NOUNS) if path != shipped or shipped.is_file() else None


def load_classifier(name: str) -> tuple[VisualEncoder, Path]:
    """Build the image classifier `name` with ImageNet weights, and return it with their file; for MobileNetV2 those of TensorFlow, if
    available.

    It is frozen: its batch norms are folded.
    """
    name = weights_at_hand(name)
    encoder = VisualEncoder(name, IMAGENET_CLASSES)
    if encoder.backbone.pretrained_cfg.get("fixed_input_size"):
        raise ValueError(
            f"{name} accepts images of one size only, and zero-shot masks need two; use mobilenetv2_100 or a pvt_v2"
        )
    file = load_visual(encoder, name)[0]
    fold_norms(encoder.eval().backbone)
    return encoder, file


def _describe(config: ZeroShotConfig, taggers: str, sources: list[str], vocabulary: Vocabulary) -> str:
    """Describe the models that classify sound and images, and what they do not recognise."""
    seen = f"ImageNet's classes ({config.visual})" + (f" and those of {' and '.join(sources)}" if sources else "")
    note = f"Zero-shot: not trained on sounding objects. Audio: {taggers}; visual: {seen}. Masks are approximate."
    people = vocabulary.labels.index(PERSON) if PERSON in vocabulary.labels else None
    if config.labels == SOURCES and people is not None and vocabulary.members[people].any():
        note += " It does not recognise people, only what they wear."
        if config.segmenter == "auto":
            note += f" A segmenter does: c3n weights get zero_shot; {install_command('zero-shot')}."
    if config.labels == SOURCES and config.second_audio == "auto" and taggers == config.audio:
        note += f" A second tagger would name more sounds: c3n weights get {YAMNET}; {install_command('zero-shot')}."
    return note
