"""The zero-shot benchmark's results for people: report.md, pictures, and report.json."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from c3n_model.bench.methods import Answer
from c3n_model.bench.recordings import Recording
from c3n_model.bench.scenes import Scene
from c3n_model.overlay import contact_sheet, draw_mask

ABOUT = {
    "all_foreground": "everything",
    "centre_box": "the box in the centre, half as high and wide",
    "vision_only": "the class most seen",
    "audio_only": "the class most heard, whether seen or not",
    "plain_c3im": "C3IM as the paper has it: alpha = beta = 0.1, cosines of word vectors, one second, Grad-CAM x LayerCAM",
    "classifiers_no_refinement": "classifiers alone, without the affinity steps",
    "classifiers_one_second": "classifiers alone, one second of sound",
    "classifiers": "image classifier and audio tagger alone",
    "classifiers_grabcut": "the same, then GrabCut",
    "with_segmenter": "the default: the segmenter's classes beside the classifier's",
    "true_class": "the right class, placed by the classifier's maps",
}
SHOWN = ("vision_only", "plain_c3im", "classifiers", "with_segmenter")
SHOWN_SCENES = 12
CELL = (320, 240)


class Gallery:
    """Collects the pictures of one scene for each picture and category: `add` is `score_scenes`' `keep`."""

    def __init__(self):
        self._seen: set[tuple[str, str]] = set()
        self.scenes: list[tuple[Scene, dict[str, Answer]]] = []

    def add(self, scene: Scene, answers: dict[str, Answer]) -> None:
        """Keep the first scene of each picture and category."""
        if (scene.picture.name, scene.noun) not in self._seen:
            self._seen.add((scene.picture.name, scene.noun))
            self.scenes.append((scene, answers))

    def sheet(self) -> np.ndarray:
        """A row a scene, rare categories first: truth, then the methods of SHOWN."""
        counts = {scene.noun: sum(other.noun == scene.noun for other, _ in self.scenes) for scene, _ in self.scenes}
        chosen = sorted(self.scenes, key=lambda entry: (counts[entry[0].noun], entry[0].noun))[:SHOWN_SCENES]
        methods = [name for name in SHOWN if name in chosen[0][1]]
        pictures, captions = [], []
        for scene, answers in chosen:
            pictures.append(draw_mask(scene.picture.rgb, scene.mask))
            captions.append(f"truth: {scene.noun}, heard {scene.sound.name}")
            for name in methods:
                height, width = scene.mask.shape
                mask = cv2.resize(answers[name].confidence, (width, height)) > 0.5
                pictures.append(draw_mask(scene.picture.rgb, mask))
                captions.append(f"{name}: {answers[name].noun}")
        return contact_sheet([_letterbox(picture) for picture in pictures], captions, columns=1 + len(methods))


def write_report(out: Path, report: dict, gallery: Gallery, recordings: list[Recording]) -> None:
    """report.json, report.md, masks.png, and a sheet for each recording, into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (out / "report.md").write_text(markdown(report), encoding="utf-8")
    if gallery.scenes:
        _write_png(out / "masks.png", gallery.sheet())
    for recording in recordings:
        captions = [f"second {second['second']}" for second in recording.seconds]
        _write_png(out / f"{recording.name}.png", contact_sheet(recording.pictures, captions, columns=5))


def markdown(report: dict) -> str:
    """The report as a page."""
    parts = [
        f"# Zero-shot benchmark\n\n`{report['command']}`, {report['pictures']} pictures, {report['scenes']} scenes."
    ]
    parts.append(f"Pictures: {report['pictures_are']}. Model: {report['model']}")
    parts.append("Means over categories. Pointing game: the peak of the mask lies inside the object.")
    parts.append(_table(*_method_rows(report)))
    parts.append("![Masks](masks.png)\n\n## Mask IoU by category\n")
    parts.append(_table(*_class_rows(report)))
    off = report["off_screen"]
    parts.append(
        f"## Nothing in view makes the sound\n\n{off['published']} of {off['scenes']} scenes with a sound from something "
        f"else were given a mask all the same; of the scenes above {off['published_in_view']:.0%} were."
    )
    sounds = report["sounds"]
    if sounds["sounds"]:
        parts.append(
            f"## Audio tagger\n\n{sounds['sounds']} sounds: top-1 {sounds['top1']:.3f}, top-5 {sounds['top5']:.3f}"
        )
        rows = [
            [name, row["sounds"], f"{row['top1']:.2f}", f"{row['top5']:.2f}"]
            for name, row in sounds["by_folder"].items()
        ]
        parts.append(_table(["folder", "sounds", "top-1", "top-5"], rows))
    if report["pairs"]:
        rows = [[row["name"], row["truth"], row["named"], "yes" if row["right"] else "no"] for row in report["pairs"]]
        parts.append("## Pairs of picture and sound\n\n" + _table(["picture", "truth", "named", "right"], rows))
    parts += [_recording_part(recording) for recording in report["clips"]]
    parts.append(
        f"## Silent clips\n\n{report['silent_false_positives']} of {report['silent_seconds']} silent seconds were given a mask."
    )
    return "\n\n".join(parts) + "\n"


def summary(report: dict) -> str:
    """A few lines for the terminal."""
    lines = [f"{'method':28} mask IoU  pointing  class right"]
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
    return (
        f"## Clip {recording['name']} (sounding: {truth})\n\n{table}\n\n![{recording['name']}]({recording['name']}.png)"
    )


def _yes_no(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _table(header: list[str], rows: list[list]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _letterbox(rgb: np.ndarray) -> np.ndarray:
    """The picture, whole, in the middle of a CELL."""
    width, height = CELL
    scale = min(width / rgb.shape[1], height / rgb.shape[0])
    small = cv2.resize(rgb, (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale)), interpolation=cv2.INTER_AREA)
    cell = np.full((height, width, 3), 24, np.uint8)
    y, x = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    cell[y : y + small.shape[0], x : x + small.shape[1]] = small
    return cell


def _write_png(path: Path, rgb: np.ndarray) -> None:
    if not cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)):
        raise OSError(f"cannot write {path}")
