"""`c3n review` as a person uses it, in a headless Chromium. From there to a trained model: tests/test_guides.py."""

import json

import pytest
from browser import open_page, screenshot
from page_command import page_command
from printed_lines import printed
from scene_video import write_scene_video
from stand_in_model import demo, every_model_is

from c3n_model.cli import main
from c3n_model.data.avsbench import AVSBench

pytest.importorskip("c3n_model.web.local_server", reason='pip install ".[live]"')


@pytest.mark.browser
def test_keys_and_a_polygon(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    every_model_is(monkeypatch, demo)
    (tmp_path / "INPUT").symlink_to(write_scene_video(tmp_path / "clip.mp4", seconds=6))
    main(printed("c3n segment INPUT -o OUT --model zero_shot --max-sources"))
    with (
        page_command(tmp_path, *printed("c3n review")) as command,
        open_page(command.address) as page,
    ):
        page.get_by_text("1 of 6").wait_for()
        for number in range(1, 6):
            page.keyboard.press("k")
            page.get_by_text(f"{number} kept").wait_for()
            page.get_by_text(f"{number + 1} of 6").wait_for()
        page.keyboard.press("d")
        page.get_by_text("5 kept, 1 dropped, 0 undecided").wait_for()
        page.keyboard.press("ArrowLeft")
        page.get_by_text("5 of 6").wait_for()
        page.keyboard.press("l")
        page.keyboard.press("Control+A")
        page.keyboard.type("kettle")
        page.keyboard.press("Enter")
        box = page.locator("#picture").bounding_box()
        for x, y in ((0.1, 0.1), (0.4, 0.1), (0.4, 0.5)):
            page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.keyboard.press("o")
        page.locator("#drawing polyline[points='']").wait_for(state="attached")  # the polygon is taken
        screenshot(page, "review")
        page.keyboard.press("w")
        page.get_by_text("wrote 1 clips: clip_000 (train)").wait_for()
    assert "5 seconds kept, 1 dropped" in command.printed
    (verdict,) = [
        one for one in json.loads((tmp_path / "MINE/reviews/clip.json").read_text()).values() if one["polygons"]
    ]
    assert verdict["label"] == "kettle" and verdict["polygons"][0]["mode"] == "only"
    clip = AVSBench(tmp_path / "MINE", "ms3", "train", 16_000)[0]
    triangle = clip.masks[4]
    assert (
        0.03 < triangle.mean() < 0.09 and triangle[40, 70] and not triangle[150:].any()
    )  # 0.3 x 0.4 / 2 of the picture
