"""`c3n calibrate`: fit the threshold of the zero-shot model on one half of the data, and check it on the other."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import matplotlib
import numpy as np
import torch
import yaml
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from c3n_model.experiments.zero_shot.data import read_data
from c3n_model.experiments.zero_shot.sounds import same_thing
from c3n_model.experiments.zero_shot.tasks import compose_tasks
from c3n_model.model import Model
from c3n_model.presence import loudness_dbfs
from c3n_model.progress import Progress
from c3n_model.scoring.evaluate import predict
from c3n_model.scoring.operating_point import OperatingPoint, Outcomes, operating_point, reliability, roc
from c3n_model.types import Presence

ROWS = ("matched", "small", "absent", "ambience", "noise", "silent_clips", "cutout_alone", "clips")


def predict_half(model: Model, folder: Path, tuning: bool, device: torch.device, progress: Progress) -> Outcomes:
    """Predict every scene of the rows ROWS of one half of a folder, as far as it has data. Raises as `read_data`."""
    rows = [row for row in compose_tasks(read_data(folder, tuning)).rows if row.name in ROWS]
    model.network.to(device).eval()
    outcomes = []
    for scene in progress(
        [scene for row in rows for scene in row.scenes], "tuning half" if tuning else "reported half"
    ):
        clip = scene.clip(model.sample_rate, model.config.history)
        _, decoding = predict(model, clip.frames, clip.snippets, device, select=clip.has_mask)
        visible = float(decoding.consensus.visual_score[0]) >= model.config.visibility_threshold
        loud = loudness_dbfs(clip.snippets[clip.has_mask][0]) > Presence.SILENCE_DBFS
        name = model.visual_labels[int(decoding.consensus.visual_class[0])]
        in_view = bool(scene.mask.any())
        right = in_view and any(same_thing(name, noun) for noun in scene.right)
        outcomes.append((float(decoding.presence[0]) * (visible and loud), in_view, right))
    scores, in_view, right = zip(*outcomes, strict=True)
    return Outcomes(np.array(scores), np.array(in_view, bool), np.array(right, bool))


def write_settings(
    path: Path, model: Model, fitted: OperatingPoint, checked: OperatingPoint | None, command: str
) -> None:
    """Write all settings of the model with the fitted threshold as a YAML file for `--model`."""
    config = replace(model.config, presence_threshold=fitted.threshold)
    lines = [f"made by {command}", f"fitted on: {_in_words(fitted)}"]
    lines += [f"checked on the other half: {_in_words(checked)}"] if checked is not None else []
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"# {line}\n" for line in lines) + yaml.safe_dump({"zero_shot": asdict(config)}, sort_keys=False)
    path.write_text(text, encoding="utf-8")


def draw(path: Path, halves: dict[str, Outcomes], fitted: OperatingPoint) -> None:
    """Draw the reliability curve and the ROC of each half, with the chosen operating point, as a PNG."""
    with matplotlib.rc_context({"font.size": 8, "axes.titlesize": 9}):
        figure = Figure((8, 3.8), 120, layout="constrained")
        FigureCanvasAgg(figure)
        curve, receiver = figure.subplots(1, 2)
        for name, outcomes in halves.items():
            _draw_half(curve, receiver, name, outcomes, fitted.threshold)
        curve.plot([0, 1], [0, 1], color="#b9b9b9", linewidth=0.8)
        curve.axvline(fitted.threshold, color="black", linewidth=0.8, linestyle=":")
        curve.set(title="reliability", xlabel="presence score", ylabel="fraction in view and named", xlim=(0, 1))
        receiver.set(
            title="operating points", xlabel="false masks per hour", ylabel="found under its name", xlim=(0, 900)
        )
        receiver.legend()
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)


def _draw_half(curve: Axes, receiver: Axes, name: str, outcomes: Outcomes, threshold: float) -> None:
    mean, right, _ = zip(*reliability(outcomes), strict=True) if (outcomes.score > 0).any() else ((), (), ())
    (line,) = curve.plot(mean, right, "o-", markersize=3)
    points, chosen = roc(outcomes), operating_point(outcomes, threshold)
    colour = line.get_color()
    receiver.step(
        [p.false_masks_per_hour for p in points], [p.found for p in points], color=colour, where="post", label=name
    )
    receiver.plot(chosen.false_masks_per_hour, chosen.found, "o", color=colour)


def _in_words(point: OperatingPoint) -> str:
    precision = "" if point.precision is None else f", {point.precision:.0%} of the masks are right"
    return (
        f"threshold {point.threshold:.2f}: {point.false_masks_per_hour:.0f} false masks per hour of other sounds, "
        f"{point.found:.0%} of the sources in view are found under their name{precision}"
    )


def summary(fitted: OperatingPoint, checked: OperatingPoint | None) -> str:
    """Summarise in two lines the error rates on the half that was fitted and on the other half."""
    other = "not checked: the data has no other half" if checked is None else f"other half: {_in_words(checked)}"
    return f"fitted: {_in_words(fitted)}\n{other}"
