"""`c3n zero-shot-bench`: the zero-shot model on real pictures with true masks and real sounds."""

from __future__ import annotations

import os
from pathlib import Path


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("zero-shot-bench", help="score the zero-shot model on real pictures and sounds")
    command.add_argument("data", type=Path, help="folder with coco/, esc10/, pairs/, avsbench_clips/, silent/")
    command.add_argument("-o", "--out", type=Path, required=True, help="folder for report.md, report.json, pictures")
    command.add_argument(
        "--labels",
        type=Path,
        help="label table of plain C3IM, from c3n labels build (default: made of DATA/words/*.npz, or of sound sources)",
    )
    command.add_argument(
        "--tuning", action="store_true", help="score the pictures that constants were tuned on, not the others"
    )
    command.add_argument("--device", default="auto", help="auto, cpu or cuda (default %(default)s)")
    command.set_defaults(run=run)


def run(options, command_line: str) -> str:
    """Run everything there is data for; returns the table of methods."""
    from c3n_model.experiments.zero_shot import recordings, report, zero_shot
    from c3n_model.experiments.zero_shot.data import read_data
    from c3n_model.experiments.zero_shot.gallery import Gallery
    from c3n_model.experiments.zero_shot.scenes import compose, compose_off_screen
    from c3n_model.model import choose_device
    from c3n_model.progress import bar

    device = choose_device(options.device)
    data = read_data(options.data, options.tuning)
    options.out.mkdir(parents=True, exist_ok=True)
    scenes = compose(data.pictures, data.sounds)
    table, similarities = _plain_table(options)
    models = zero_shot.load_models(table, device)
    best_name = "with_segmenter" if "with_segmenter" in models else "classifiers"
    best, gallery = models[best_name], Gallery()
    pairs = recordings.run_pairs(best, data.pairs, device)
    played = recordings.run_clips(best, data.clips, options.device, bar)
    silent = recordings.run_silent(best, data.silent, options.device, bar)
    scores = zero_shot.score_scenes(models, scenes, device, bar, gallery.add)
    off_screen = compose_off_screen(data.pictures, data.sounds)
    found = {
        "command": command_line,
        "pictures": len({scene.picture.name for scene in scenes}),
        "annotated_pictures": len(data.pictures),
        "known_sounds": len(data.sounds),
        "scenes": len(scenes),
        "pictures_are": "those that constants were tuned on" if options.tuning else "none of those tuned on",
        "model": best.card["note"],
        "has_segmenter": best_name == "with_segmenter",
        "plain_c3im_similarities": similarities,
        "unknown_sound_folders": data.unknown_folders,
        "unknown_pairs": data.unknown_pairs,
        "methods": zero_shot.compare(scores, scenes),
        "off_screen": zero_shot.off_screen(best, off_screen, scores.get(best_name, []), device, bar),
        "sounds": zero_shot.tag(best, data.sounds, device, bar),
        "pairs": pairs,
        "clips": [recordings.as_row(recording) for recording in played],
        "silent_clips": [recordings.as_row(recording) for recording in silent],
        "silent_seconds": sum(len(recording.seconds) for recording in silent),
        "silent_false_positives": sum(second["published"] for clip in silent for second in clip.seconds),
    }
    report.write_report(options.out, found, gallery, [*played, *silent])
    return report.summary(found) + f"\nwrote {options.out}/report.md"


def _plain_table(options) -> tuple[Path, str]:
    """The label table of plain C3IM, given or made of what lies beside the data or in C3N_WEIGHTS; and what it says."""
    from c3n_model.experiments.zero_shot.plain import plain_table
    from c3n_model.labels.names import audioset_names
    from c3n_model.weights import manifest

    if options.labels is not None:
        return options.labels, f"the table {options.labels.name}"
    folders = [options.data, Path(os.environ.get(manifest.WEIGHTS_VARIABLE) or options.data)]
    table, made_of = plain_table(audioset_names(manifest.find("audioset_classes")), folders)
    path = options.out / "plain_labels.safetensors"
    table.save(path)
    return path, made_of
