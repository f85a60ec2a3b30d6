"""`c3n labels build`: how alike are the audio and the visual labels (Eqs. 3-5), once and for all; `c3n labels prior`: what a
tagger says of sounds that have nothing to do with a class."""

from __future__ import annotations

from pathlib import Path

NAMED_AT_MOST = 12  # of the labels without a vector; the table names all of them


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("labels", help="make the tables of label similarities and of a tagger's prior")
    verbs = command.add_subparsers(required=True, metavar="VERB")
    build = verbs.add_parser("build", help="a label table from word vectors")
    build.add_argument("-o", "--out", type=Path, required=True, help="safetensors file to write")
    build.add_argument(
        "--vectors",
        metavar="SOURCE",
        default="en_core_web_lg",
        help="spaCy model (name or folder), or a file: .npz, .txt, .vec, .bin, .gz of those (default %(default)s)",
    )
    build.add_argument(
        "--audio-labels",
        metavar="FILE",
        type=Path,
        help="AudioSet's class_labels_indices.csv or one label a line (default: c3n weights path audioset_classes)",
    )
    build.add_argument(
        "--visual-labels",
        metavar="FILE",
        default="imagenet",
        help="imagenet, or one label a line (default %(default)s)",
    )
    build.add_argument(
        "--cleaning",
        metavar="RULE",
        default="whole",
        help="whole, first_synonym or best_synonym: see c3n_model/labels/cleaning.py (default %(default)s)",
    )
    build.set_defaults(run=run_build)
    prior = verbs.add_parser(
        "prior", help="a tagger's prior from a folder of sounds, for the setting prior of zero_shot"
    )
    prior.add_argument("sounds", type=Path, help="folder with a folder for each kind of sound")
    prior.add_argument("-o", "--out", type=Path, required=True, help="CSV file to write")
    prior.add_argument("--audio", default="mn04", help="the tagger: a name of c3n weights list (default %(default)s)")
    prior.set_defaults(run=run_prior)


def run_build(options, command_line: str) -> str:
    """`c3n labels build`."""
    from c3n_model.labels.names import imagenet_names, read_labels
    from c3n_model.labels.table import build_table
    from c3n_model.labels.vectors import open_vectors
    from c3n_model.weights import manifest

    audio = read_labels(options.audio_labels or manifest.find("audioset_classes"))
    visual = imagenet_names() if options.visual_labels == "imagenet" else read_labels(Path(options.visual_labels))
    source = open_vectors(options.vectors)
    table = build_table(audio, visual, source, cleaning=options.cleaning, command=command_line)
    table.save(options.out)
    excluded = [
        f"{len(labels)} of {total} {modality} labels have no vector and take no part: {_some(labels)}"
        for (modality, labels), total in zip(table.provenance["excluded"].items(), table.similarity.shape, strict=True)
        if labels
    ]
    name, version = table.provenance["vectors"], table.provenance.get("vectors_version", "")
    about = f"{table.provenance['dimension']}-d vectors of {' '.join(filter(None, (name, version)))}"
    size = " x ".join(map(str, table.similarity.shape))
    return "\n".join([*excluded, f"wrote {options.out}: {size} labels, {about}, cleaning {options.cleaning}"])


def run_prior(options, _: str) -> str:
    """`c3n labels prior`."""
    from c3n_model.labels.names import audioset_names
    from c3n_model.network.audio import build_audio_encoder
    from c3n_model.progress import bar
    from c3n_model.weights import manifest
    from c3n_model.weights.pretrained import load_audio
    from c3n_model.zero_shot.logit_statistics import write_statistics
    from c3n_model.zero_shot.prior import find_kinds, measure_prior

    kinds = find_kinds(options.sounds)
    labels = tuple(audioset_names(manifest.find("audioset_classes")))
    encoder = build_audio_encoder(options.audio, len(labels))
    load_audio(encoder, options.audio)
    prior = measure_prior(encoder.eval(), kinds, bar)
    count = sum(map(len, kinds.values()))
    about = f"What {options.audio} says of unrelated sounds: {count} sounds of {len(kinds)} kinds (c3n_model/zero_shot/prior.py)"
    write_statistics(options.out, prior, labels, about)
    return f"wrote {options.out}: {count} sounds of {len(kinds)} kinds, {len(labels)} classes"


def _some(labels: list[str]) -> str:
    rest = len(labels) - NAMED_AT_MOST
    return "; ".join(labels[:NAMED_AT_MOST]) + (f"; and {rest} more" if rest > 0 else "")
