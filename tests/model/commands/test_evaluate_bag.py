"""`c3n evaluate-bag`: a bag against its ground truth, and against a simulated live run."""

import json
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest
from live_recording import record
from printed_lines import printed
from stand_in_model import every_model_is

from c3n_model.cli import main
from c3n_model.scoring.bag_scores import TruthFolder
from c3n_model.scoring.evaluate_bag import report_on, run_offline
from c3n_model.scoring.recording import LiveWindow
from c3n_model.scoring.report.bag_page import render, write_bag_report
from c3n_model.sources.bag import BagSource
from c3n_model.sources.convert import START_NS, bag_from_media
from c3n_model.streaming.session import Session
from c3n_model.synthetic.scenes import make_demo_scene
from c3n_model.synthetic.source import SceneSource
from c3n_model.weights.checkpoint import save_model

SECOND = 1_000_000_000
ABOUT = {
    "command": "c3n",
    "input": "scene",
    "model": "tiny",
    "note": "",
    "device": "cpu",
    "threshold": 0.5,
    "notes": [],
}


@pytest.fixture(scope="module")
def scene_bag(tmp_path_factory):
    """Write three seconds of the demo scene as a bag, and the ground truth of its frames next to it."""
    folder = tmp_path_factory.mktemp("scene")
    scene = make_demo_scene()
    scene = replace(scene, sounding=scene.sounding[:3])
    bag_from_media(SceneSource(scene, height=48, width=64, frame_rate=8), folder / "scene.bag")
    (folder / "truth").mkdir()
    labels = {}
    for second in range(3):
        stamp_ns = START_NS + second * SECOND + SECOND * 7 // 8
        _, mask = scene.picture(second + 7 / 8, 48, 64)
        cv2.imwrite(str(folder / "truth" / f"{stamp_ns:019d}.png"), mask.astype(np.uint8) * 255)
        labels[stamp_ns] = ["something"] if mask.any() else []
    (folder / "truth" / "labels.json").write_text(json.dumps(labels))
    return folder


def offline(folder, model):
    return run_offline(BagSource(folder / "scene.bag"), Session(model, "cpu"), TruthFolder(folder / "truth"))


def test_command_twice_gives_the_same_report(tmp_path, scene_bag, tiny_model, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    every_model_is(monkeypatch, lambda: tiny_model)
    (tmp_path / "BAG").symlink_to(scene_bag / "scene.bag")
    (tmp_path / "MASKS").symlink_to(scene_bag / "truth")
    seconds = [START_NS // SECOND + number for number in range(3)]
    record(tmp_path / "LIVE", seconds, mask=np.ones((48, 64), bool), seen_at_ns=SECOND * 7 // 8)
    reports = []
    for _ in range(2):
        main(printed("c3n evaluate-bag"))
        reports.append((tmp_path / "OUT/report.json").read_bytes())
    assert reports[0] == reports[1]
    report = json.loads(reports[0])
    scores = report["offline"]
    assert (scores["windows"], scores["scored_windows"], scores["seconds_without_window"]) == (3, 3, 0)
    assert len(report["windows"]) == 3 and report["windows"][0]["truth_labels"] == ["something"]
    out = capsys.readouterr().out
    assert f"mask IoU                    {scores['mask_iou']:.3f}" in out and "wrote OUT/report.json" in out
    assert report["live_and_offline"]["live_offline_windows"] == 3 and report["live"]["windows"] == 3


def test_numbers_of_the_page_are_those_of_the_report(scene_bag, tiny_model):
    windows = offline(scene_bag, tiny_model)
    live = [LiveWindow(window.segmentation, 0.04, 0) for window in windows]
    report = {**ABOUT, **report_on(windows, live, TruthFolder(scene_bag / "truth"))}
    page = render(report, windows)
    shown = dict(re.findall(r'data-metric="([^"]+)">([^<]+)<', page))
    assert shown["live_and_offline.live_offline_iou"] == "1.000" and shown["live.latency_ms.p50"] == "40 ms"
    for path, text in shown.items():
        value = report
        for key in path.split("."):
            value = value[key]
        expected = "–" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"
        assert text == (f"{value:.0f} ms" if "latency" in path else expected)
    assert page.count("data:image/jpeg") == 3 and "http" not in re.sub(r"data:[^\"]+", "", page)


def test_a_live_run_that_differs_is_reported(tmp_path, scene_bag, tiny_model):
    windows = offline(scene_bag, tiny_model)
    seen = [window.segmentation for window in windows]
    flipped = replace(seen[1], mask=~seen[1].mask)
    live = [LiveWindow(seen[0], 0.04, 0), LiveWindow(flipped, None, 1)]
    report = report_on(windows, live, None)
    both = report["live_and_offline"]
    assert (both["live_offline_windows"], both["only_offline_windows"], both["identical_masks"]) == (2, 1, 1)
    assert report["live"]["dropped_windows"] == 1 and both["live_offline_lowest_iou"] < 0.01
    assert "live_offline_iou" not in report["windows"][2] and report["windows"][1]["latency_ms"] is None
    text = write_bag_report(tmp_path / "out", {**ABOUT, "notes": ["a note"], **report}, windows)
    assert text.startswith("a note\nOffline:") and "latency, ms                 p50 40" in text
    assert "a note" in (tmp_path / "out/report.html").read_text()


def test_a_second_without_picture_is_counted(scene_bag, tiny_model):
    items = list(BagSource(scene_bag / "scene.bag"))
    gap = [item for item in items if hasattr(item, "samples") or not SECOND < item.stamp_ns - START_NS < 2.2 * SECOND]

    class WithGap(list):
        name = "gap"

    windows = run_offline(WithGap(gap), Session(tiny_model, "cpu"), None)
    assert report_on(windows, None, None)["offline"]["seconds_without_window"] == 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "--truth DIR.*--recording BAG"),
        (["--truth", "no"], "folder: no;"),
        (["--recording", "no.bag"], r"bag.*no\.bag"),
        (["--truth", "other"], r"\b1 masks.*1700000000875000000"),
    ],
)
def test_bad_input_is_one_line(tmp_path, scene_bag, tiny_model, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    save_model(tmp_path / "tiny.safetensors", tiny_model)
    (tmp_path / "other").mkdir()
    cv2.imwrite("other/0000000000000000005.png", np.zeros((48, 64), np.uint8))
    given = [
        "evaluate-bag",
        str(scene_bag / "scene.bag"),
        "-o",
        "out",
        "--model",
        "tiny.safetensors",
        "--device",
        "cpu",
    ]
    with pytest.raises(SystemExit, match=message):
        main([*given, *arguments])
