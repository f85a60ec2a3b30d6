"""`c3n explain` on the demo model, from a video to pictures and numbers."""

import json
import re

import cv2
import pytest
from printed_lines import printed
from scene_video import write_scene_video
from stand_in_model import demo, every_model_is

from c3n_model.cli import main


@pytest.fixture(scope="module")
def scene_video(tmp_path_factory):
    """Write two seconds of the demo scene as mp4."""
    return write_scene_video(tmp_path_factory.mktemp("video") / "scene.mp4", seconds=2)


def test_explanations_agree_with_the_segmentation(tmp_path, scene_video, monkeypatch):
    monkeypatch.chdir(tmp_path)
    every_model_is(monkeypatch, demo)
    (tmp_path / "INPUT").symlink_to(scene_video)
    main(printed("c3n segment INPUT -o OUT --model zero_shot"))
    (tmp_path / "OUT").rename("masks")
    main(printed("c3n explain"))
    (tmp_path / "OUT").rename("why")
    lines = [json.loads(line) for line in (tmp_path / "masks/labels.jsonl").read_text().splitlines()]
    explained = json.loads((tmp_path / "why/explain.json").read_text())
    assert explained["model"] == "zero_shot"
    _, second = explained["seconds"]
    assert (second["second"], second["picture"]) == (1, "second_0001.png")
    assert second["window_start_ns"] == lines[1]["window_start_ns"] == 10**9
    assert second["label"] == lines[1]["label"] == second["pairs"][0]
    assert second["presence"] == lines[1]["presence"]
    chosen = second["audio"]["chosen"], second["visual"]["chosen"]
    assert second["consensus"][chosen[0]][chosen[1]] == pytest.approx(second["label"]["consensus"], rel=1e-4)
    assert [stage["stage"] for stage in second["attention"]] == [1, 2, 3, 4]
    assert cv2.imread(str(tmp_path / "why/second_0001.png")).shape == (900, 1600, 3)
    mask = cv2.imread(str(tmp_path / "masks" / lines[1]["mask"]), cv2.IMREAD_GRAYSCALE)
    assert second["mask_fraction"] == pytest.approx((mask > 0).mean())
    assert sorted(path.name for path in (tmp_path / "why").iterdir()) == [
        "explain.json",
        "second_0000.png",
        "second_0001.png",
    ]
    main(["explain", "INPUT", "-o", "one", "--second", "1", "--device", "cpu"])
    assert json.loads((tmp_path / "one/explain.json").read_text())["seconds"] == [second]
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["explain.json", "second_0001.png"]


def test_a_negative_second_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(SystemExit, match="c3n: --second is -1; .*0"):
        main(["explain", "nothing.mp4", "-o", str(tmp_path / "why"), "--second", "-1"])


def test_a_second_beyond_the_end_is_one_line(tmp_path, scene_video):
    with pytest.raises(SystemExit) as stop:
        main(["explain", str(scene_video), "-o", str(tmp_path / "why"), "--device", "cpu", "--second", "9"])
    assert re.fullmatch("c3n: .*second 9.* 0 to 1", str(stop.value.code))


def test_channels_are_chosen_and_a_missing_one_is_refused(tmp_path, scene_video):
    main(["segment", str(scene_video), "-o", str(tmp_path / "masks"), "--device", "cpu", "--channels", "0"])
    assert (tmp_path / "masks/labels.jsonl").read_text().count("\n") == 2
    with pytest.raises(SystemExit, match="channel 7 .*--channels"):
        main(["segment", str(scene_video), "-o", str(tmp_path / "no"), "--device", "cpu", "--channels", "7"])
