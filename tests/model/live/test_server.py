"""The page's data over HTTP, from a real server on the loopback."""

import json
import socket
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from scene_video import write_scene_video

from c3n_model.devices.feeds import RecordingFeed
from c3n_model.live.engine import Engine
from c3n_model.live.view import LiveView
from c3n_model.sources import open_source

local_server = pytest.importorskip("c3n_model.web.local_server", reason='pip install ".[live]"')


@contextmanager
def serving(view):
    from c3n_model.live.server import make_app

    listener = local_server.listen(0)
    server = local_server.make_server(make_app(view))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        view.stop()
        server.should_exit = True
        thread.join(timeout=20)
        assert not thread.is_alive()


def ask(address, values=None, **headers):
    """Status and answer of a GET, or of a POST with values."""
    body = None if values is None else json.dumps(values).encode()
    headers = {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def events(address):
    with urllib.request.urlopen(address + "/events", timeout=60) as answer:
        for line in answer:
            if line.startswith(b"data: "):
                yield json.loads(line[6:])


@pytest.fixture
def playing(tmp_path, tiny_model):
    """A view that plays two seconds of the demo scene."""
    feed = RecordingFeed(open_source(write_scene_video(tmp_path / "clip.mp4", seconds=2)))
    view = LiveView([feed], lambda say: Engine(tiny_model, "cpu"), tmp_path / "bags")
    view.start()
    with serving(view) as address:
        yield address


def test_from_the_first_second_to_a_saved_bag(playing, tmp_path):
    states = events(playing)
    first = next(state for state in states if state["seconds"])
    assert first["status"] == "running" and first["problems"] == []
    again = next(state for state in states if state["seconds"])  # a second is told once
    assert again["seconds"][0]["number"] == first["seconds"][-1]["number"] + 1
    status, saved = ask(playing + "/bag", {})
    assert status == 200
    assert list(open_source(json.loads(saved)["path"])) and json.loads(saved)["seconds"] > 1
    with urllib.request.urlopen(playing + "/video", timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("multipart/x-mixed-replace")
        assert b"\xff\xd8" in answer.read(2000)


def test_settings(playing):
    next(state for state in events(playing) if state["seconds"])
    status, answer = ask(playing + "/settings", {"threshold": 0.25, "max_sources": 2, "compare_motion": True})
    assert status == 200
    given = {"threshold": 0.25, "classes": [], "max_sources": 2, "compare_motion": True}
    assert json.loads(answer) == given
    status, answer = ask(playing + "/settings", {"classes": ["striped bel"]})
    assert status == 400 and "striped bell" in json.loads(answer)["error"]
    for wrong in ({"threshold": 7}, {"threshold": "x"}, {"classes": 3}, {"max_sources": 2.5}, {"compare_motion": "no"}):
        assert ask(playing + "/settings", wrong)[0] == 400
    assert next(events(playing))["settings"] == given


def test_only_this_page_on_this_machine_may_ask(playing):
    assert ask(playing + "/settings", {}, Sec_Fetch_Site="cross-site")[0] == 403
    assert ask(playing + "/settings", {}, Content_Type="text/plain")[0] == 415
    assert ask(playing + "/about", Host="evil.example")[0] == 400
    assert ask(playing + "/about")[0] == 200


def test_the_page_needs_nothing_from_elsewhere(playing):
    with urllib.request.urlopen(playing, timeout=30) as answer:
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        page = answer.read().decode()
    names = [f"{name}.{kind}" for name in ("common", "page") for kind in ("js", "css")]
    assert all(f'"{name}"' in page for name in names)
    parts = [page, *(ask(f"{playing}/{name}")[1].decode() for name in names)]
    assert not [part for part in parts if "http://" in part or "https://" in part or "//cdn" in part]


def test_a_model_that_cannot_be_loaded_ends_the_view(tmp_path):
    failed = threading.Event()

    def load(say):
        say("reading")
        raise ValueError("broken file")

    view = LiveView([], load, tmp_path, on_failure=failed.set)
    view.start()
    assert failed.wait(10) and "broken file" in str(view.failure)
    assert view.describe()["status"] == "reading"
    with pytest.raises(ValueError, match="still loading"):
        view.save_bag()


def test_a_browser_that_is_early_waits():
    with local_server.listen(0) as listener, socket.create_connection(listener.getsockname(), timeout=5) as early:
        assert early.getpeername() == listener.getsockname()


def test_a_port_that_is_taken_names_another():
    with local_server.listen(0) as taken, pytest.raises(OSError, match="--port 0"):
        local_server.listen(taken.getsockname()[1])
