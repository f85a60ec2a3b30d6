"""The page of `c3n live` in a headless Chromium, with a recorded clip in the place of the devices."""

import json
import re
import threading
import time
import urllib.request
import webbrowser

import cv2
import numpy as np
import pytest
from browser import open_page, screenshot
from fake_capture import FakeCapture
from fake_sounddevice import FakeSounddevice
from page_command import page_command
from printed_lines import printed
from scene_video import write_scene_video
from stand_in_model import every_model_is

from c3n_model.cli import main
from c3n_model.devices import feeds, microphone
from c3n_model.devices.camera import Camera
from c3n_model.devices.feeds import CameraFeed
from c3n_model.sources import open_source
from c3n_model.types import AudioChunk, Frame

local_server = pytest.importorskip("c3n_model.web.local_server", reason='pip install ".[live]"')


@pytest.mark.browser
def test_a_clip_in_the_browser(tmp_path):
    write_scene_video(tmp_path / "clip.mp4", seconds=19)  # long enough for a slow browser
    with (
        page_command(tmp_path, *printed("c3n live --video")) as command,
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
    page.evaluate("Promise.all([...Array(20).keys()].map((k) => post('settings', { threshold: (31 + k) / 100 })))")
    page.locator("#threshold-value").filter(has_text="0.50").wait_for()  # the last of many at once
    page.locator("#threshold").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert page.locator("#threshold-value").inner_text() == "0.55"
    page.locator("#threshold").blur()
    play_with_the_sources(page)
    page.reload(wait_until="domcontentloaded")
    page.locator("#threshold-value").filter(has_text="0.55").wait_for()  # it is the server's
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


class Camera20Hz(FakeCapture):
    def read(self):
        time.sleep(0.05)
        return super().read()


@pytest.fixture
def states(monkeypatch, tiny_model):
    """What the page is told first: a stand-in for the browser asks for it and ends the command. Devices are stand-ins, too."""
    states, servers = [], []
    listen, make_server = local_server.listen, local_server.make_server

    def visit(address):
        try:
            with urllib.request.urlopen(address + "events", timeout=30) as lines:
                told = (json.loads(line[6:]) for line in lines if line.startswith(b"data: "))
                states.append(next(state for state in told if "settings" in state))
        finally:
            servers[0].should_exit = True

    def open_camera(name):
        return Camera(name, make_capture=lambda _: Camera20Hz(pictures=10_000))

    every_model_is(monkeypatch, lambda: tiny_model)
    monkeypatch.setattr(feeds, "CameraFeed", lambda name: CameraFeed(name, open_camera))
    monkeypatch.setattr(microphone, "load_sounddevice", FakeSounddevice)
    monkeypatch.setattr(local_server, "listen", lambda _: listen(0))  # other tests may use the port
    monkeypatch.setattr(local_server, "make_server", lambda app: servers.append(make_server(app)) or servers[0])
    monkeypatch.setattr(webbrowser, "open", lambda address: threading.Thread(target=visit, args=[address]).start())
    return states


def test_camera_and_microphone_of_this_machine(states, capsys):
    main(printed("c3n live"))
    assert [state["settings"]["compare_motion"] for state in states] == [False]
    said = capsys.readouterr()
    assert said.err.startswith("camera 0 + microphone: http://127.0.0.1:") and "seconds were segmented" in said.out


def test_motion_is_compared_from_the_start(states):
    main(printed("c3n live --compare-motion"))
    assert [state["settings"]["compare_motion"] for state in states] == [True]


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
