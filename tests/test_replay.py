"""Scoring of a replay, on windows of four pixels."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from c3n_model.types import Presence, Segmentation, UnifiedLabel
from c3n_ros.replay import LiveWindow, Truth, mask_iou, score, segmentation_from_messages

LEFT = np.array([[1, 0], [1, 0]], bool)
TOP = np.array([[1, 1], [0, 0]], bool)
NONE = np.zeros((2, 2), bool)


def window(stamp: int, mask: np.ndarray, visual: str = "drum", latency_s: float = 0.1, dropped: int = 0) -> LiveWindow:
    label = UnifiedLabel("low drum", visual, 1.0, 1.0, 1.0, 1.0)
    presence = Presence(True, 1.0, -20.0)
    return LiveWindow(
        Segmentation(stamp, stamp, "", mask, mask * np.uint8(255), label, presence, ()), latency_s, dropped
    )


def test_report_by_hand():
    live = [
        window(0, LEFT),  # right
        window(1, TOP, visual="bell", latency_s=0.3),  # 1 of 3 pixels, wrong name
        window(2, TOP, dropped=1),  # painted in silence
        window(3, NONE, dropped=1),  # sounds, but out of view: neither silent nor counted for IoU
    ]
    truths = {
        0: Truth(LEFT, frozenset(["drum"]), silent=False),
        1: Truth(LEFT, frozenset(["drum"]), silent=False),
        2: Truth(NONE, frozenset(), silent=True),
        3: Truth(NONE, frozenset(["horn"]), silent=False),
    }
    offline = [live[0].segmentation, window(2, LEFT).segmentation]
    report, ious = score(live, offline, [truths[seen.segmentation.stamp_ns] for seen in live])
    assert ious == pytest.approx([1, 1 / 3, 0, 1], abs=1e-6)
    assert report["windows"] == 4
    assert report["dropped_windows"] == 1
    assert report["sounding_windows"] == 2
    assert report["mask_iou"] == pytest.approx(2 / 3)
    assert report["label_accuracy"] == 0.5
    assert (report["silent_windows"], report["silent_false_positives"]) == (1, 1)
    assert report["latency_ms"]["p50"] == pytest.approx(100)
    assert report["offline_windows"] == 2
    assert (report["live_offline_windows"], report["live_offline_iou"]) == (2, pytest.approx(2 / 3))


def test_iou_of_empty_masks():
    assert mask_iou(NONE, NONE) == 1
    assert mask_iou(LEFT, NONE) == 0
    assert mask_iou(NONE, LEFT) == pytest.approx(0)


def test_the_way_back_from_messages():
    region = SimpleNamespace(
        label="drum",
        score=0.5,
        x=0,
        y=0,
        width=1,
        height=2,
        centroid_x=0.0,
        centroid_y=0.5,
        area=2,
        bearing=0.25,
        elevation=0.125,
        half_width=0.5,
        position=SimpleNamespace(x=math.nan, y=math.nan, z=math.nan),
        position_covariance=[math.nan] * 9,
    )
    message = SimpleNamespace(
        header=SimpleNamespace(stamp=SimpleNamespace(sec=3, nanosec=937), frame_id="camera"),
        window_start=SimpleNamespace(sec=3, nanosec=0), heard=0.75, audible=True, presence_score=0.9, loudness_dbfs=-20.0,
        audio_label="low drum", audio_score=0.8, visual_label="drum", visual_score=0.7, similarity=1.0, consensus=0.6,
        objects=[region],
    )  # fmt: skip
    back = segmentation_from_messages(LEFT, message)
    assert (back.window_start_ns, back.stamp_ns, back.frame_id) == (3_000_000_000, 3_000_000_937, "camera")
    assert back.label == UnifiedLabel("low drum", "drum", 0.8, 0.7, 1.0, 0.6)
    assert back.objects[0].box == (0, 0, 1, 2)
    assert back.objects[0].bearing == 0.25 and back.objects[0].position is None
    assert back.heard == 0.75
