"""Streams from a real HTTP server on this machine."""

import pytest
from file_server import file_server
from scene_video import write_scene_video

from c3n_model.sources import open_source
from c3n_model.sources.network_stream import NetworkStream, is_address
from c3n_model.types import AudioChunk, Frame


@pytest.fixture
def served(tmp_path):
    with file_server() as server:
        path = write_scene_video(tmp_path / "clip.mp4", seconds=2)
        server.files["/clip.mp4"] = path.read_bytes()
        server.files["/text"] = b"not a video"
        yield server, path


def test_frames_and_sound_are_those_of_the_file(served):
    server, path = served
    stream = NetworkStream(server.url("/clip.mp4"))
    assert stream.has_sound
    for kind in (Frame, AudioChunk):
        streamed = [item for item in stream if isinstance(item, kind)]
        stored = [item for item in open_source(path) if isinstance(item, kind)]
        assert len(streamed) == len(stored) > 10
        shift_ns = stored[0].stamp_ns - streamed[0].stamp_ns  # a stream begins where it begins
        assert abs(streamed[-1].stamp_ns + shift_ns - stored[-1].stamp_ns) < 1e6


@pytest.mark.parametrize("path", ["/text", "/nothing"])
def test_what_is_no_stream(served, path):
    with pytest.raises(ValueError, match="cannot be read as a stream"):
        NetworkStream(served[0].url(path))


def test_passwords_are_not_shown():
    with pytest.raises(ValueError) as refused:
        NetworkStream("rtsp://me:secret@127.0.0.1:1/camera")
    assert "secret" not in str(refused.value) and "rtsp://127.0.0.1:1/camera" in str(refused.value)


@pytest.mark.parametrize(
    "text, expected", [("rtsp://a/b", True), ("HTTP://a", True), ("clip.mp4", False), ("c:/a", False)]
)
def test_addresses(text, expected):
    assert is_address(text) == expected
