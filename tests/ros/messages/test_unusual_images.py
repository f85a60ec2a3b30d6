"""cv_bridge is used where it works, and never missed where it does not."""

import importlib
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from c3n_ros.messages import unusual_images
from c3n_ros.messages.unusual_images import frame_from_any_image

HEADER = SimpleNamespace(stamp=SimpleNamespace(sec=1, nanosec=2), frame_id="camera")


@pytest.fixture(autouse=True)
def fresh():
    unusual_images._bridge.cache_clear()
    yield
    unusual_images._bridge.cache_clear()


def image(encoding, data=b"\x10\x20\x30", width=1):
    return SimpleNamespace(
        header=HEADER, encoding=encoding, width=width, height=1, step=len(data), is_bigendian=0, data=data
    )


def install(monkeypatch, convert):
    """A cv_bridge whose conversion is `convert(message, encoding)`; returns the list of what it was asked for."""
    asked = []

    class CvBridge:
        def imgmsg_to_cv2(self, message, desired_encoding):
            asked.append(message.encoding)
            return convert(message, desired_encoding)

    monkeypatch.setattr(importlib, "import_module", lambda name: SimpleNamespace(CvBridge=CvBridge))
    return asked


def forbid(monkeypatch, error):
    tried = []

    def fail(name):
        tried.append(name)
        raise error(name)

    monkeypatch.setattr(importlib, "import_module", fail)
    return tried


def test_what_is_known_needs_no_bridge(monkeypatch):
    tried = forbid(monkeypatch, ImportError)
    assert frame_from_any_image(image("bgr8")).rgb.tolist() == [[[0x30, 0x20, 0x10]]]
    jpeg = cv2.imencode(".png", np.full((2, 2, 3), 7, np.uint8))[1].tobytes()
    assert frame_from_any_image(SimpleNamespace(header=HEADER, format="png", data=jpeg)).rgb.shape == (2, 2, 3)
    assert tried == []


def test_an_unknown_encoding_goes_through_the_bridge(monkeypatch):
    asked = install(monkeypatch, lambda message, encoding: np.full((1, 1, 3), 9, np.uint8))
    frame = frame_from_any_image(image("64FC3"))
    assert frame.rgb.tolist() == [[[9, 9, 9]]] and (frame.stamp_ns, frame.frame_id) == (1_000_000_002, "camera")
    assert asked == ["64FC3"]


@pytest.mark.parametrize("error", [ImportError, AttributeError])
def test_without_a_working_bridge_the_known_encodings_are_named(monkeypatch, error):
    tried = forbid(monkeypatch, error)
    for _ in range(3):
        with pytest.raises(ValueError, match="64FC3.*rgb8"):
            frame_from_any_image(image("64FC3"))
    assert tried == ["cv_bridge"], "tried once"


def test_depth_is_refused_without_asking(monkeypatch):
    asked = install(monkeypatch, lambda message, encoding: np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(ValueError, match="holds distances, not colours"):
        frame_from_any_image(image("16UC1"))
    assert asked == []


def test_a_bridge_that_fails_is_one_line(monkeypatch):
    def fail(message, encoding):
        raise RuntimeError("[64FC3] is not a color format\n for this")

    install(monkeypatch, fail)
    with pytest.raises(ValueError, match=r"'64FC3'.*cv_bridge.*\[64FC3\] is not a color format for"):
        frame_from_any_image(image("64FC3"))
    install(monkeypatch, lambda message, encoding: np.zeros((1, 1), np.float32))
    unusual_images._bridge.cache_clear()
    with pytest.raises(ValueError, match="cv_bridge.*float32"):
        frame_from_any_image(image("64FC3"))
