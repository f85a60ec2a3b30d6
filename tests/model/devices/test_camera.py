"""Cameras without one: a capture that pretends, and the remedies for what can be wrong."""

import cv2
import pytest
from fake_capture import FakeCapture
from scene_video import write_scene_video

from c3n_model.devices import camera as module
from c3n_model.devices.camera import Camera, frames_of, list_cameras, why_unavailable


def test_frames_are_rgb_and_stamped_when_read():
    capture = FakeCapture(pictures=3)
    camera = Camera("0", width=640, height=480, now_ns=lambda: 7, make_capture=lambda name: capture)
    assert (camera.width, camera.height) == (64, 48)
    assert capture.asked == {cv2.CAP_PROP_FRAME_WIDTH: 640, cv2.CAP_PROP_FRAME_HEIGHT: 480}
    frame = camera.read()
    assert frame.stamp_ns == 7 and tuple(frame.rgb[0, 0]) == (0, 0, 2)  # the first picture told the size
    assert camera.read() is not None and camera.read() is None
    camera.close()
    assert capture.released


def test_an_index_is_a_number_and_a_file_a_name(tmp_path):
    names = []

    def make(name):
        names.append(name)
        return FakeCapture()

    Camera("2", make_capture=make)
    Camera("/dev/video2", make_capture=make)
    assert names == [2, "/dev/video2"]


def test_a_camera_without_pictures_is_released_and_refused():
    capture = FakeCapture(pictures=0)
    with pytest.raises(ValueError, match="gives no picture"):
        Camera("0", make_capture=lambda name: capture)
    assert capture.released


def test_a_video_file_is_a_camera_that_starts_again(tmp_path):
    path = write_scene_video(tmp_path / "clip.mp4", seconds=1)
    camera = Camera(str(path))
    count = sum(1 for _ in zip(range(30), frames_of(camera, lambda: False), strict=False))  # 13 frames in the file
    assert count == 30 and (camera.height, camera.width) == (96, 128)


@pytest.mark.parametrize(
    "files, name, remedy",
    [
        ((), "0", "no camera"),
        (("video0", "video2"), "1", "video0, .*video2"),
        (("video0",), "0", "close other programs"),
    ],
)
def test_what_is_wrong_has_a_remedy(tmp_path, monkeypatch, files, name, remedy):
    monkeypatch.setattr(module, "_DEVICES", str(tmp_path))
    for file in files:
        (tmp_path / file).touch()
    with pytest.raises(ValueError, match=remedy):
        Camera(name, make_capture=lambda _: FakeCapture(opened=False))


def test_no_permission_names_the_group(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_DEVICES", str(tmp_path))
    (tmp_path / "video0").touch()
    monkeypatch.setattr(module.os, "access", lambda path, mode: False)
    assert "usermod -aG" in why_unavailable("0")


def test_list_of_cameras(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_DEVICES", str(tmp_path))
    assert "no camera" in list_cameras()[0]
    for number in (10, 0, 2):
        (tmp_path / f"video{number}").touch()
    assert [line.split()[0] for line in list_cameras()] == ["0", "2", "10"]
