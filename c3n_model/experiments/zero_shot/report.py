"""The zero-shot benchmark's results for people: report.md, pictures, and report.json."""

from __future__ import annotations

import json
from pathlib import Path

from c3n_model.experiments.zero_shot.gallery import Gallery
from c3n_model.experiments.zero_shot.recordings import Recording
from c3n_model.pictures.overlay import contact_sheet, write_png

ABOUT = {
    "all_foreground": "everything",
    "centre_box": "the box in the centre, half as high and wide",
    "vision_only": "the class most seen",
    "audio_only": "the class most heard, whether seen or not",
    "plain_c3im": "C3IM as in the paper: alpha = beta = 0.1, ImageNet's own labels, one second of sound",
    "classifiers_no_refinement": "classifiers alone, without the affinity steps",
    "classifiers_one_second": "classifiers alone, one second of sound",
    "classifiers": "image classifier and audio tagger alone",
    "classifiers_grabcut": "the same, then GrabCut",
    "with_segmenter": "the default: the segmenter's classes beside the classifier's",
    "true_class": "the right class, placed by the classifier's maps",
}


def write_report(out: Path, report: dict, gallery: Gallery, recordings: list[Recording]) -> None:
    """report.json, report.md, masks.png, and a sheet for each recording, into `out`. Raises ValueError for a number that is
    not finite."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    (out / "report.md").write_text(markdown(report), encoding="utf-8")
    if gallery.scenes:
        write_png(out / "masks.png", gallery.sheet())
    for recording in recordings:
        captions = [_caption(second) for second in recording.seconds]
        write_png(out / recording.sheet, contact_sheet(recording.pictures, captions, columns=5))


def _caption(second: dict) -> str:
    found = f"{second['audio']} ~ {second['visual']}" if second["published"] else "no mask"
    return f"{second['second']} s: {found}"


def markdown(report: dict) -> str:
    """The report as a page; what there was no data for says "none"."""
    parts = [
        f"# Zero-shot benchmark\n\n`{report['command']}`",
        f"{report['pictures']} pictures ({report['pictures_are']}), each with a real sound of something in it: "
        f"{report['scenes']} scenes.\n\n{report['model']}",
        "## Methods",
        *_methods_part(report),
        "## Nothing in view makes the sound",
        _off_screen_part(report["off_screen"]),
        "## Audio tagger",
        *_sounds_part(report),
        "## Pairs of picture and sound",
        *_pairs_part(report),
        "## Clips",
        *([_recording_part(clip) for clip in report["clips"]] or ["None: no videos in avsbench_clips/."]),
        "## Silent clips",
        *_silent_part(report),
    ]
    return "\n\n".join(parts) + "\n"


def _methods_part(report: dict) -> list[str]:
    methods = report["methods"]
    if not methods:
        return [
            f"None: of {report['annotated_pictures']} annotated pictures and {report['known_sounds']} sounds no scene can be "
            "composed. No picture shows, large enough, what makes one of the sounds."
        ]
    notes = [f"Likeness of labels in plain_c3im: {report['plain_c3im_similarities']}."]
    if not report["has_segmenter"]:
        notes.append(
            'No segmenter: `pip install "c3n-ros[zero-shot]"` and `c3n weights get zero_shot` for with_segmenter.'
        )
    if "true_class" not in methods:
        notes.append("No true_class: not every category here is one of the classifier's nouns.")
    return [
        "Means over categories. Mask IoU: of the mask, published or not. Pointing game: its peak lies in the object. Published: "
        "heard and seen agree enough. 95 %: interval of the difference of mask IoU to classifiers, over pictures.",
        _table(*_method_rows(report)),
        " ".join(notes),
        "![The truth, and what methods make of it](masks.png)",
        "### Mask IoU by category",
        _table(*_class_rows(report)),
    ]


def _off_screen_part(off: dict) -> str:
    if not off["scenes"]:
        return "None: every sound could come from something in the pictures, or there are no sounds."
    text = (
        f"{off['published']} of {off['scenes']} scenes with a sound from something else were given a mask all the same"
    )
    return text + (
        f"; {off['published_in_view']:.0%} of the scenes above were." if off["published_in_view"] is not None else "."
    )


def _sounds_part(report: dict) -> list[str]:
    sounds, parts = report["sounds"], []
    if sounds["sounds"]:
        parts.append(f"{sounds['sounds']} sounds: top-1 {sounds['top1']:.3f}, top-5 {sounds['top5']:.3f}")
        rows = [
            [name, row["sounds"], f"{row['top1']:.2f}", f"{row['top5']:.2f}"]
            for name, row in sounds["by_folder"].items()
        ]
        parts.append(_table(["folder", "sounds", "top-1", "top-5"], rows))
    else:
        parts.append("None: no sounds in esc10/ or pairs/ whose AudioSet class is known.")
    if report["unknown_sound_folders"]:
        names = ", ".join(report["unknown_sound_folders"])
        parts.append(f"Left out, as nothing is known of what sounds there: {names}. Name folders as ESC-50 does.")
    return parts


def _pairs_part(report: dict) -> list[str]:
    rows = [[row["name"], row["truth"], row["named"], _yes_no(row["right"])] for row in report["pairs"]]
    parts = [_table(["picture", "truth", "named", "right"], rows) if rows else "None: no pairs in pairs/."]
    if report["unknown_pairs"]:
        parts.append(f"Left out, without a picture or unknown: {', '.join(report['unknown_pairs'])}.")
    return parts


def _silent_part(report: dict) -> list[str]:
    if not report["silent_clips"]:
        return ["None: no videos in silent/."]
    counts = f"{report['silent_false_positives']} of {report['silent_seconds']} silent seconds were given a mask."
    return [counts, *(f"![{clip['name']}]({clip['sheet']})" for clip in report["silent_clips"])]


def summary(report: dict) -> str:
    """A few lines for the terminal."""
    lines = [f"{'method':28} mask IoU  pointing  class right"] if report["methods"] else ["no scene can be composed"]
    for name, row in report["methods"].items():
        lines.append(
            f"{name:28} {_number(row['mask_iou']):>8}  {_number(row['pointing_game']):>8}  {_number(row['class_accuracy']):>11}"
        )
    lines.append(f"masks in silence: {report['silent_false_positives']} of {report['silent_seconds']} seconds")
    return "\n".join(lines)


def _method_rows(report: dict) -> tuple[list[str], list[list]]:
    header = [
        "method",
        "",
        "mask IoU",
        "without people",
        "pointing game",
        "class right",
        "published",
        "ms a mask",
        "95 % to classifiers",
    ]
    rows = []
    for name, row in report["methods"].items():
        interval = row.get("difference_to_classifiers_95")
        rows.append(
            [
                name,
                ABOUT[name],
                *(
                    _number(row[key])
                    for key in ("mask_iou", "mask_iou_without_people", "pointing_game", "class_accuracy")
                ),
                _number(row["published"]),
                _number(row["median_ms_per_mask"], digits=0),
                f"[{interval[0]:+.3f}, {interval[1]:+.3f}]" if interval else "",
            ]
        )
    return header, rows


def _class_rows(report: dict) -> tuple[list[str], list[list]]:
    counts = next(iter(report["methods"].values()))["scenes_by_class"]
    header = ["category", "scenes", *report["methods"]]
    rows = [
        [noun, count, *(_number(row["mask_iou_by_class"].get(noun)) for row in report["methods"].values())]
        for noun, count in counts.items()
    ]
    return header, rows


def _recording_part(recording: dict) -> str:
    rows = [
        [s["second"], s["audio"], s["visual"], s["consensus"], _yes_no(s["right"]), _yes_no(s["published"])]
        for s in recording["seconds"]
    ]
    truth = ", ".join(recording["sounding"]) or "unknown"
    table = _table(["second", "heard", "seen", "consensus", "right", "mask"], rows)
    return f"### {recording['name']} (sounding: {truth})\n\n{table}\n\n![{recording['name']}]({recording['sheet']})"


def _yes_no(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _table(header: list[str], rows: list[list]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
