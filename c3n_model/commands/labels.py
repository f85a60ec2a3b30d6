"""`c3n labels build`: compute the similarity of audio and visual labels (Eqs. 3-5) from word vectors; `c3n labels prior` and
`c3n labels visual-prior`: measure what a tagger says of unrelated sounds, and an image classifier of unrelated pictures."""

from __future__ import annotations

from pathlib import Path

MAX_NAMED = 12  # labels without a vector that are printed; the table's provenance lists all of them


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("labels", help="build the tables of label similarities and of priors")
    verbs = command.add_subparsers(required=True, metavar="VERB")
    build = verbs.add_parser("build", help="build a label table from word vectors")
    build.add_argument("-o", "--out", type=Path, required=True, help="safetensors file to write")
    similarity = build.add_mutually_exclusive_group()
    similarity.add_argument(
        "--sources",
        action="store_true",
        help="no word vectors: similarities from the table of sound sources that zero_shot uses",
    )
    similarity.add_argument(
        "--vectors",
        metavar="SOURCE",
        default="en_core_web_lg",
        help="spaCy model (name or folder), or a .npz, .txt, .vec or .bin file, also with .gz (default %(default)s)",
    )
    build.add_argument(
        "--audio-labels",
        metavar="FILE",
        type=Path,
        help="AudioSet's class_labels_indices.csv, or a text file with one label per line "
        "(default: c3n weights path audioset_classes)",
    )
    build.add_argument(
        "--visual-labels",
        metavar="FILE",
        default="imagenet",
        help="imagenet, or a text file with one label per line (default %(default)s)",
    )
    build.add_argument(
        "--cleaning",
        metavar="RULE",
        default="whole",
        help="whole, first_synonym or best_synonym: see c3n_model/labels/cleaning.py (default %(default)s)",
    )
    build.set_defaults(run=run_build)
    prior = verbs.add_parser(
        "prior", help="measure a tagger's prior on a folder of sounds, for the setting prior of zero_shot"
    )
    prior.add_argument("sounds", type=Path, help="folder with a subfolder for each kind of sound")
    prior.add_argument("-o", "--out", type=Path, required=True, help="CSV file to write")
    prior.add_argument("--audio", default="mn04", help="tagger, a name of c3n weights list (default %(default)s)")
    prior.add_argument(
        "--second-audio",
        default="auto",
        help="tagger whose logits are averaged with its: yamnet, none, or auto (default)",
    )
    prior.set_defaults(run=run_prior)
    visual = verbs.add_parser(
        "visual-prior",
        help="measure an image classifier's prior on a folder of pictures, for visual_prior of zero_shot",
    )
    visual.add_argument("pictures", type=Path, help="folder with pictures of all kinds, with or without subfolders")
    visual.add_argument("-o", "--out", type=Path, required=True, help="CSV file to write")
    visual.add_argument(
        "--visual", default="mobilenetv2_100", help="classifier, a name of c3n weights list (default %(default)s)"
    )
    visual.set_defaults(run=run_visual_prior)


def run_build(options, command_line: str) -> str:
    """Build and save a label table."""
    from c3n_model.labels.names import imagenet_names, read_labels
    from c3n_model.labels.similarity_table import build_table
    from c3n_model.labels.vectors import open_vectors
    from c3n_model.weights import manifest

    audio = read_labels(options.audio_labels or manifest.find("audioset_classes"))
    visual = imagenet_names() if options.visual_labels == "imagenet" else read_labels(Path(options.visual_labels))
    if options.sources:
        return _build_sources(options.out, audio, visual, command_line)
    source = open_vectors(options.vectors)
    table = build_table(audio, visual, source, cleaning=options.cleaning, command=command_line)
    table.save(options.out)
    excluded = [
        f"{len(labels)} of {total} {modality} labels have no vector and are ignored: {_abbreviate(labels)}"
        for (modality, labels), total in zip(table.provenance["excluded"].items(), table.similarity.shape, strict=True)
        if labels
    ]
    name, version = table.provenance["vectors"], table.provenance.get("vectors_version", "")
    vectors = f"{table.provenance['dimension']}-d vectors of {' '.join(filter(None, (name, version)))}"
    size = " x ".join(map(str, table.similarity.shape))
    return "\n".join([*excluded, f"wrote {options.out}: {size} labels, {vectors}, cleaning {options.cleaning}"])


def _build_sources(out: Path, audio: list[str], visual: list[str], command_line: str) -> str:
    from c3n_model.labels.source_table import build_source_table

    table = build_source_table(audio, visual, command=command_line)
    table.save(out)
    size = " x ".join(map(str, table.similarity.shape))
    silent = {modality: len(labels) for modality, labels in table.provenance["excluded"].items()}
    return (
        f"{silent['audio']} audio labels have no visible source and {silent['visual']} visual labels make no known sound: they "
        f"are ignored\nwrote {out}: {size} labels, table of sound sources"
    )


def _abbreviate(labels: list[str]) -> str:
    rest = len(labels) - MAX_NAMED
    return "; ".join(labels[:MAX_NAMED]) + (f"; and {rest} more" if rest > 0 else "")


def run_prior(options, _: str) -> str:
    """Measure and save a tagger's prior."""
    from c3n_model.labels.names import audioset_names
    from c3n_model.progress import bar
    from c3n_model.weights import manifest
    from c3n_model.zero_shot.logit_statistics import write_statistics
    from c3n_model.zero_shot.prior import find_kinds, measure_prior
    from c3n_model.zero_shot.taggers import load_taggers

    kinds = find_kinds(options.sounds)
    labels = tuple(audioset_names(manifest.find("audioset_classes")))
    network, _, taggers = load_taggers(options.audio, options.second_audio, labels)
    prior = measure_prior(network, kinds, bar)
    count = sum(map(len, kinds.values()))
    description = (
        f"Logits of {taggers} for unrelated sounds: {count} sounds of {len(kinds)} kinds (c3n_model/zero_shot/prior.py)"
    )
    write_statistics(options.out, prior, labels, description, taggers)
    return f"wrote {options.out}: {count} sounds of {len(kinds)} kinds, {len(labels)} classes"


def run_visual_prior(options, _: str) -> str:
    """Measure and save an image classifier's prior."""
    from c3n_model.progress import bar
    from c3n_model.sources.media import pictures_in
    from c3n_model.sources.picture_files import read_picture
    from c3n_model.zero_shot.build import load_classifier
    from c3n_model.zero_shot.visual_prior import write_visual_prior
    from c3n_model.zero_shot.visual_prior_measurement import check_number, measure_visual_prior
    from c3n_model.zero_shot.vocabulary import CLASSIFIED_NOUNS

    if not options.pictures.is_dir():
        raise FileNotFoundError(f"no such folder: {options.pictures}; expected a folder of pictures of all kinds")
    folders = [options.pictures, *(path for path in options.pictures.rglob("*") if path.is_dir())]
    pictures = sorted(path for folder in folders for path in pictures_in(folder))
    check_number(len(pictures))
    encoder, weights = load_classifier(options.visual)
    prior = measure_visual_prior(encoder, map(read_picture, bar(pictures, "pictures")))
    about = f"Log-probabilities by {weights.name} in the best window of {len(pictures)} pictures"
    write_visual_prior(
        options.out, prior, CLASSIFIED_NOUNS, f"{about} (c3n_model/zero_shot/visual_prior_measurement.py)"
    )
    return f"wrote {options.out}: {len(pictures)} pictures, {len(CLASSIFIED_NOUNS)} nouns, {weights.name}"
