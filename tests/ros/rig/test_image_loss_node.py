"""How many images get through: the words, and a run in two processes with images that always do."""

import re
import sys

from c3n_ros.rig.image_loss_node import describe


def test_the_line_counts_arrived_images():
    line = describe([0.010, 0.020, 0.030], count=4, cpu_s=0.5)
    assert line == "received 3 of 4 images (75%), latency median 20.0 ms, 95 % 29.0 ms, receiver's CPU 0.5 s"


def test_nothing_arrived_names_the_profile():
    assert describe([], count=300, cpu_s=0.1) == "received 0 of 300 images (0%); see config/fastdds_large_images.xml"


def test_small_images_get_through(start_process):
    command = [sys.executable, "-m", "c3n_ros.rig.image_loss_node", "--size", "64x48", "--rate", "20", "--seconds", "1"]
    output, _ = start_process("", command=command).communicate(timeout=60)
    received, sent = map(int, re.search(r"received (\d+) of (\d+) images", output).groups())
    assert sent == 20 and received >= 15 and "latency median" in output


def test_an_invalid_size_is_refused(start_process):
    process = start_process("", command=[sys.executable, "-m", "c3n_ros.rig.image_loss_node", "--size", "large"])
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2 and "argument --size" in output
