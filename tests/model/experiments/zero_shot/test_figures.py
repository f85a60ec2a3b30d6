"""Means by hand."""

from dataclasses import dataclass

import numpy as np
import pytest

from c3n_model.experiments.zero_shot.figures import differences, scene_columns, summarise
from c3n_model.scoring.evaluation import Evaluation
from c3n_model.scoring.metrics import count, count_thresholds
from c3n_model.types import UnifiedLabel


@dataclass(frozen=True)
class Scene:
    group: str
    noun: str
    right: frozenset = frozenset()


def evaluation_of(predicted, truth, names):
    predicted, truth = (np.array(masks, bool)[:, None] for masks in (predicted, truth))
    labels = tuple(UnifiedLabel("sound", name, 1, 1, 1, 1) for name in names)
    frames = np.arange(len(names))
    counts = count(predicted, truth), count_thresholds(predicted.astype(np.float32), truth)
    return Evaluation(
        "row", "reported", tuple(map(str, frames)), ("",) * len(names), frames, 0 * frames, *counts, labels
    )


SCENES = [
    Scene("p", "dog", frozenset({"dog"})),
    Scene("p", "dog", frozenset({"dog"})),
    Scene("q", "bird", frozenset({"bird"})),
    Scene("q", "rain"),
    Scene("r", "rain"),
]
EVALUATION = evaluation_of(
    [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]],
    [[1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
    ["dog", "dog", "person", "person", "person"],
)


def test_scene_by_scene():
    columns = scene_columns(SCENES, EVALUATION)
    nan = np.nan
    assert columns["iou"] == pytest.approx([0.5, 0, 0, nan, nan], nan_ok=True)
    assert columns["painted"].tolist() == [1, 0, 1, 1, 0]
    assert columns["named"] == pytest.approx([1, 1, 0, nan, nan], nan_ok=True)
    assert columns["wrong"].tolist() == [0, 0, 1, 1, 0]  # beside the bird, and in the rain
    assert columns["person"].tolist() == [0, 0, 1, 1, 0]


def test_a_row_and_its_classes():
    found = summarise(SCENES, scene_columns(SCENES, EVALUATION))
    assert (found["scenes"], found["pictures"], found["wrong"], found["wrong_people"]) == (5, 3, 2, 2)
    assert found["iou"] == pytest.approx(0.5 / 3) and found["named"] == pytest.approx(2 / 3)
    assert found["painted"] == pytest.approx(3 / 5)
    assert list(found["by_class"]) == ["bird", "dog", "rain"]
    dog, rain = found["by_class"]["dog"], found["by_class"]["rain"]
    assert (dog["scenes"], dog["pictures"], dog["iou"], dog["iou_95"]) == (2, 1, pytest.approx(0.25), None)
    assert (rain["iou"], rain["named"], rain["painted"], rain["painted_95"]) == (None, None, 0.5, (0.0, 1.0))


def test_settings_are_compared_scene_by_scene():
    columns = scene_columns(SCENES, EVALUATION)
    better = {**columns, "iou": columns["iou"] + 0.25}
    found = differences(SCENES, better, columns)
    assert found["iou"] == pytest.approx(0.25) and found["iou_95"] == pytest.approx((0.25, 0.25))
    assert (found["painted"], found["painted_95"]) == (0, (0, 0))
