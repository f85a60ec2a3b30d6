"""The page of `c3n live` in a headless Chromium, with a recorded clip in the place of the devices."""

import re

import cv2
import numpy as np
import pytest
from browser import open_page, screenshot
from page_command import page_command
from scene_video import write_scene_video

from c3n_model.cli import main
from c3n_model.sources import open_source
from c3n_model.types import AudioChunk, Frame

pytest.importorskip("c3n_model.live.server", reason='pip install ".[live]"')


@pytest.mark.browser
def test_a_clip_in_the_browser(tmp_path):
    write_scene_video(tmp_path / "clip.mp4", seconds=19)  # long enough for a slow browser
    with (
        page_command(tmp_path, "live", "--video", "clip.mp4", "--model", "demo") as command,
        open_page(command.address) as page,
    ):
        page.locator("#objects span").first.wait_for()
        page.locator("#reason").filter(has_text="sounding").wait_for()
        assert re.match(r"\w+ \w+ ~ \w+ \w+", page.locator("#label").inner_text())
        assert page.locator("#pairs > div").count() > 1 and page.locator("#heard > div").count() > 1
        assert "dBFS" in page.locator("#level").inner_text()
        page.locator("#timeline i.sounding").first.wait_for()
        page.wait_for_timeout(1000)
        assert shows_a_mask(screenshot(page, "live"))
        play_with_the_controls(page)
        page.locator("#save").click()
        path = page.locator("#saved code").inner_text()
    assert re.fullmatch(r"[1-9]\d* seconds were segmented\n", command.printed)
    items = list(open_source(tmp_path / path))
    assert {type(item) for item in items} == {Frame, AudioChunk}


def play_with_the_controls(page):
    page.locator("#class").fill("striped bel")
    page.locator("#class-form button").click()
    page.get_by_text("did you mean").wait_for()
    assert "striped bell" in page.locator("#class-error").inner_text()
    page.locator("#class").fill("background")  # of which there is never a mask
    page.locator("#class-form button").click()
    page.locator("#classes button").wait_for()
    page.locator("#timeline i.filtered").first.wait_for()
    page.locator("#classes button").click()
    page.locator("#classes button").wait_for(state="detached")
    page.locator("#threshold").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert page.locator("#threshold-value").inner_text() == "0.55"
    page.locator("#threshold").blur()
    play_with_the_sources(page)
    page.reload(wait_until="domcontentloaded")
    page.get_by_text("0.55").wait_for()  # it is the server's
    page.wait_for_function("byId('sources').value === '2' && byId('motion').checked")


def play_with_the_sources(page):
    page.locator("#sources").fill("9")
    page.locator("#sources").blur()
    page.locator("#sources-error").filter(has_text="within [1, 8]").wait_for()
    page.locator("#sources").fill("2")
    page.locator("#sources").blur()
    page.locator("#sources-error").filter(has_text="within").wait_for(state="detached")
    page.locator("#motion").click()
    page.locator("#motion-text").filter(has_text=re.compile("no two objects|unclear|one moves")).wait_for()


def shows_a_mask(path):
    """Whether the picture has an orange region with a yellow outline."""
    rgb = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB).astype(int)[60:600, 16:900]
    yellow = np.abs(rgb - (255, 235, 60)).max(axis=2) < 40
    return yellow.sum() > 100


@pytest.mark.parametrize(
    "arguments, remedy",
    [
        (["--camera", "/dev/video77"], "/dev/video77|no camera"),
        (["--video", "nothing.mp4"], "no such file or folder: nothing.mp4"),
        (["--video", "clip.mp4", "--threshold", "7"], "threshold"),
        (["--video", "clip.mp4", "--max-sources", "9"], "max_sources"),
        (["--video", "clip.mp4", "--model", "nowhere.safetensors"], "no model 'nowhere.safetensors'"),
    ],
)
def test_what_cannot_start_says_why_in_one_line(tmp_path, monkeypatch, arguments, remedy):
    monkeypatch.chdir(tmp_path)
    write_scene_video(tmp_path / "clip.mp4", seconds=1)
    with pytest.raises(SystemExit, match=remedy) as end:
        main(["live", "--no-browser", "--port", "0", *arguments])
    assert str(end.value).startswith("c3n: ") and "\n" not in str(end.value)
