"""`c3n benchmark node`: what its figures mean by hand, and what its listener takes from a node over DDS."""

import argparse
import json
import os
import threading
import time

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from c3n_ros.messages.conversions import time_message
from c3n_ros.msg import SoundingObjects
from c3n_ros.rig import benchmark_listener_node
from c3n_ros.rig.benchmark_listener_node import has_ended, listen
from c3n_ros.rig.node_benchmark import add_arguments, highest, plot, point_of, table

FIGURES = {
    "images": 190,
    "lost": 10,
    "passed over": 95,
    "windows dropped": 0,
    "seconds": 11.0,
    "masks": 10,
    "latency ms": [60.0, 80.0],
    "cpu percent": 20.0,
}


def point(size="640x480", rate_hz=30.0, **changes):
    return point_of(size, rate_hz, 1.0, FIGURES | changes)


def test_losses_are_fractions_of_what_was_sent_and_of_the_windows_there_were():
    assert point().images_lost == pytest.approx(0.05) and not point().is_sustained
    assert point(lost=9, images=191).is_sustained
    assert point().windows_lost == 0 and point().passed_over == pytest.approx(0.5)
    assert point(masks=7).windows_lost == pytest.approx(0.3)
    assert point(**{"windows dropped": 2}).windows_lost == pytest.approx(0.2)


def test_the_highest_rate_is_the_highest_sustained_one():
    points = [point(rate_hz=15, lost=0), point(rate_hz=30, lost=0), point(rate_hz=60), point("1x1", 15)]
    assert highest(points) == {"640x480": 30, "1x1": None}


def test_the_table_and_the_picture_show_every_point(tmp_path):
    points = [point(lost=0), point("1920x1080", masks=0, **{"latency ms": None})]
    text = table("demo", 1.0, 1.25, points)
    assert "| 640x480 | 30 | 0.0% | 0.0% | 50% | 60 / 80 ms | 20.0 |" in text
    assert "| 1920x1080 | 30 | 5.0% | 100.0% | 50% | no mask | 20.0 |" in text
    assert "input: 1.2 % of a core" in text and "640x480: 30 Hz, 1920x1080: none" in text
    parameters = ["compare_motion:=true", "max_sources:=2"]
    assert table("demo", 1.0, 1.25, points, parameters).startswith(
        "demo, compare_motion:=true, max_sources:=2, a window"
    )
    pytest.importorskip("matplotlib")
    plot(points, 1.25, tmp_path / "points.png")
    assert (tmp_path / "points.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "wrong", ["compare_motion", "compare_motion:=", "comparemotion:=true", "model:=demo", "hop_s:=0.5"]
)
def test_parameters_are_those_of_the_node(wrong, capsys):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    known = ["compare_motion:=true", "max_sources:=2"]
    assert parser.parse_args(["--parameters", *known]).parameters == known
    with pytest.raises(SystemExit):
        parser.parse_args(["--parameters", *known, wrong])
    assert f"got '{wrong}'" in capsys.readouterr().err


class Talker(Node):
    """Says what a node says, ten times a second: 3 images more each time, and a mask 0.2 s after its last sample."""

    def __init__(self):
        super().__init__("talker")
        self._statuses = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._objects = self.create_publisher(SoundingObjects, "sounding_object/objects", 10)
        self._images = 0
        self.create_timer(0.1, self._tell)

    def _tell(self):
        sum(range(1_000_000))  # CPU is counted in hundredths of a second
        self._images += 3
        camera = {"images": self._images, "passed over": 2, "lost": 0}
        message = DiagnosticArray(status=[status("camera", **camera), status("node", **{"dropped windows": 4})])
        self._statuses.publish(message)
        self._objects.publish(SoundingObjects(window_start=time_message(time.time_ns() - 1_200_000_000)))


def status(name, **values):
    pairs = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
    return DiagnosticStatus(name=f"segmentation: {name}", values=pairs)


def test_the_listener_counts_what_happened_while_it_measured(spin, capfd):
    spin(Talker())
    listen(os.getpid(), 0.5, True, threading.Event())
    measured = json.loads(capfd.readouterr().out.strip().splitlines()[-1])
    assert 6 <= measured["images"] <= 24 and measured["images"] % 3 == 0
    assert 2 <= measured["masks"] <= 8 and measured["passed over"] == measured["windows dropped"] == 0
    assert 200 <= measured["latency ms"][0] < 2000 and measured["cpu percent"] > 0


def test_a_silent_or_ended_node_is_an_error(ros, monkeypatch):
    monkeypatch.setattr(benchmark_listener_node, "TIMEOUT_S", 0.1)
    with pytest.raises(ValueError, match="no status of an active node"):
        listen(os.getpid(), 0.1, False, threading.Event())
    assert has_ended(2**22 + 1) and not has_ended(os.getpid())
