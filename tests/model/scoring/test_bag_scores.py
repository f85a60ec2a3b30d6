"""Scores of windows of four pixels, computed by hand."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from c3n_model.scoring.bag_scores import (
    Truth,
    TruthFolder,
    compare_runs,
    live_statistics,
    mask_iou,
    score_masks,
    score_several,
)
from c3n_model.scoring.recording import LiveWindow
from c3n_model.types import Presence, Segmentation, SoundingObject, UnifiedLabel

LEFT = np.array([[1, 0], [1, 0]], bool)
TOP = np.array([[1, 1], [0, 0]], bool)
NONE = np.zeros((2, 2), bool)


def window(stamp, mask, visual="drum", start=None):
    label, presence = UnifiedLabel("low drum", visual, 1.0, 1.0, 1.0, 1.0), Presence(True, 1.0, -20.0)
    start = stamp if start is None else start
    return Segmentation(start, stamp, "", mask, mask * np.uint8(255), label, presence, ())


SEEN = [
    window(0, LEFT),  # right
    window(1, TOP, visual="bell"),  # 1 of 3 pixels, wrong name
    window(2, TOP),  # painted in silence
    window(3, NONE),  # sounds, but out of view: neither silent nor counted for IoU
    window(4, TOP),  # nothing is known of it
]
TRUTHS = [
    Truth(LEFT, frozenset(["drum"]), silent=False),
    Truth(LEFT, frozenset(["drum"]), silent=False),
    Truth(NONE, frozenset(), silent=True),
    Truth(NONE, frozenset(["horn"]), silent=False),
    None,
]


def test_scores_by_hand():
    scores = score_masks(SEEN, TRUTHS)
    assert scores.pop("mask_iou") == pytest.approx(2 / 3)
    assert scores == {
        "windows": 5,
        "scored_windows": 4,
        "sounding_windows": 2,
        "label_accuracy": 0.5,
        "silent_windows": 1,
        "silent_false_positives": 1,
    }


def test_unknown_labels_do_not_count_as_wrong():
    scores = score_masks(SEEN[:2], [TRUTHS[0], Truth(LEFT, frozenset(), silent=False)])
    assert scores["label_accuracy"] == 1 and scores["sounding_windows"] == 2
    nothing = score_masks(SEEN[:1], [None])
    assert (nothing["scored_windows"], nothing["mask_iou"], nothing["label_accuracy"]) == (0, None, None)


def test_windows_in_which_several_sound_count_as_named_if_all_of_them_are():
    objects = [SoundingObject(label, 1.0, (0, 0, 1, 1), (0.0, 0.0), 1) for label in ("drum", "horn", "bell")]
    both = Truth(LEFT, frozenset(["drum", "horn"]), silent=False)
    named = [replace(window(0, LEFT), objects=tuple(objects[:count])) for count in (1, 2, 3)]
    assert score_several([*named, SEEN[0]], [both, both, both, TRUTHS[0]]) == {
        "windows": 3,
        "mask_ious": [1.0, 1.0, 1.0],
        "all_named": 1,
    }


def test_dropped_windows_and_latency():
    live = [LiveWindow(SEEN[0], 0.1, 0), LiveWindow(SEEN[1], 0.3, 2), LiveWindow(SEEN[2], None, 1)]
    statistics = live_statistics(live)
    assert statistics["dropped_windows"] == 2
    assert statistics["latency_ms"] == pytest.approx({"p50": 200, "p95": 290, "max": 300})
    assert live_statistics(live[2:])["latency_ms"] is None


def test_a_live_run_is_compared_with_an_offline_run():
    live = [SEEN[0], SEEN[1], window(2, LEFT), window(9, TOP)]
    offline = [SEEN[0], window(1, TOP, visual="drum"), SEEN[2], window(3, NONE), window(9, TOP, start=8)]
    found = compare_runs(live, offline)
    assert found.pop("live_offline_iou") == pytest.approx((1 + 1 + 1 / 3) / 3)
    assert found.pop("live_offline_lowest_iou") == pytest.approx(1 / 3)
    assert found == {
        "offline_windows": 5,
        "live_offline_windows": 3,
        "only_live_windows": 1,  # the frame is the same, its window began elsewhere
        "only_offline_windows": 2,
        "identical_masks": 2,
        "same_labels": 2,
    }
    assert compare_runs(live, [])["live_offline_iou"] is None


def test_iou_of_empty_masks():
    assert mask_iou(NONE, NONE) == 1
    assert mask_iou(LEFT, NONE) == 0
    assert mask_iou(NONE, LEFT) == pytest.approx(0)


class TestTruthFolder:
    def write(self, folder, masks, labels=None):
        for stamp, mask in masks.items():
            cv2.imwrite(str(folder / f"{stamp:019d}.png"), mask.astype(np.uint8) * 255)
        if labels is not None:
            (folder / "labels.json").write_text(labels if isinstance(labels, str) else json.dumps(labels))
        return TruthFolder(folder)

    def test_by_the_stamp_of_the_frame_or_of_the_window(self, tmp_path):
        truths = self.write(tmp_path, {7: LEFT, 30: TOP, 40: NONE})
        assert len(truths) == 3
        np.testing.assert_array_equal(truths.of(window(7, NONE, start=0)).mask, LEFT)
        np.testing.assert_array_equal(truths.of(window(37, NONE, start=30)).mask, TOP)
        assert truths.of(window(8, NONE, start=5)) is None
        assert truths.of(window(40, NONE)).silent and not truths.of(window(7, NONE)).silent

    def test_labels_distinguish_silence_from_a_source_out_of_view(self, tmp_path):
        truths = self.write(tmp_path, {1: LEFT, 2: NONE, 3: NONE, 4: LEFT}, {"1": ["drum"], "2": ["horn"], "3": []})
        found = [truths.of(window(stamp, NONE)) for stamp in (1, 2, 3, 4)]
        assert [(set(truth.labels), truth.silent) for truth in found] == [
            ({"drum"}, False),
            ({"horn"}, False),
            (set(), True),
            (set(), False),
        ]

    def test_errors_name_the_cause(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"folder.*1000000000000000000\.png"):
            TruthFolder(tmp_path / "none")
        (tmp_path / "picture.png").write_bytes(b"")
        with pytest.raises(ValueError, match=r"no masks.*1000000000000000000\.png"):
            TruthFolder(tmp_path)
        for labels in ("{", '["drum"]', '{"one": []}', '{"1": 5}'):
            with pytest.raises(ValueError, match=r"labels\.json"):
                self.write(tmp_path, {1: LEFT}, labels)
        truths = self.write(tmp_path, {1: LEFT}, {})
        with pytest.raises(ValueError, match="2x2.*3x2"):
            truths.of(window(1, np.zeros((2, 3), bool)))
