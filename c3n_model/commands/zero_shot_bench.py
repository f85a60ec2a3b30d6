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
        help="label table of plain C3IM, from c3n labels build (default: made of DATA/words/*.npz)",
    )
    command.add_argument(
        "--tuning", action="store_true", help="score the pictures that constants were tuned on, not the others"
    )
    command.add_argument("--device", default="auto", help="auto, cpu or cuda (default %(default)s)")
    command.set_defaults(run=run)


def run(options, command_line: str) -> str:
    """Run everything there is data for; returns the table of methods."""
    from c3n_model.bench import recordings, report, sounds, zero_shot
    from c3n_model.bench.pictures import read_pictures
    from c3n_model.bench.scenes import compose, compose_off_screen
    from c3n_model.model import choose_device
    from c3n_model.progress import bar

    device = choose_device(options.device)
    pictures = zero_shot.halves(read_pictures(options.data / "coco"), options.tuning)
    everything, unknown = sounds.folder_sounds(options.data / "esc10")
    pairs = sounds.pair_sounds(options.data / "pairs")
    clips = [entry for entry in sounds.clips(options.data / "avsbench_clips") if len(entry[1]) == 1]
    everything += [sound for _, sound in pairs] + [sounds.clip_sound(path, next(iter(nouns))) for path, nouns in clips]
    scenes = compose(pictures, everything)
    if not scenes:
        raise ValueError(
            f"no scene can be composed of {len(pictures)} pictures and {len(everything)} sounds in {options.data}: no "
            "picture shows, large enough, what makes one of the sounds"
        )
    models = zero_shot.load_models(options.labels or _plain_table(options))
    best = models.get("with_segmenter", models["classifiers"])
    gallery = report.Gallery()
    scores = zero_shot.score_scenes(models, scenes, device, bar, gallery.add)
    found = {"command": command_line, "pictures": len({scene.picture.name for scene in scenes}), "scenes": len(scenes)}
    found["pictures_are"] = "those that constants were tuned on" if options.tuning else "none of those tuned on"
    found["model"] = best.card["note"]
    found["unknown_sound_folders"] = unknown
    found["methods"] = zero_shot.compare(scores, scenes)
    found["off_screen"] = zero_shot.off_screen(best, compose_off_screen(pictures, everything), scores, device, bar)
    found["sounds"] = zero_shot.tag(best, everything, device, bar)
    found["pairs"] = recordings.run_pairs(best, pairs, device)
    played = recordings.run_clips(best, options.data / "avsbench_clips", options.device, bar)
    found["clips"] = [{"name": r.name, "sounding": sorted(r.sounding), "seconds": r.seconds} for r in played]
    silent = recordings.run_silent(best, options.data / "silent", options.device, bar)
    found["silent_seconds"] = sum(len(recording.seconds) for recording in silent)
    found["silent_false_positives"] = sum(second["published"] for r in silent for second in r.seconds)
    report.write_report(options.out, found, gallery, [*played, *silent])
    return report.summary(found) + f"\nwrote {options.out}/report.md"


def _plain_table(options) -> Path | None:
    """A label table of the word vectors beside the data, or in C3N_WEIGHTS; None where there are none."""
    from c3n_model import weights
    from c3n_model.labels.names import audioset_names, imagenet_names
    from c3n_model.labels.table import build_table
    from c3n_model.labels.vectors import open_vectors

    folders = [options.data, Path(os.environ.get(weights.WEIGHTS_VARIABLE) or options.data)]
    files = [path for folder in folders for path in sorted(folder.glob("words/*.npz"))]
    if not files:
        return None
    sounds = audioset_names(weights.find("audioset_classes"))
    table = build_table(sounds, imagenet_names(), open_vectors(files[0]), cleaning="whole")
    path = options.out / "plain_labels.safetensors"
    table.save(path)
    return path
