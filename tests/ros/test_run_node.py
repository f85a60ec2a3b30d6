"""Every node ends cleanly on SIGINT and SIGTERM."""

import signal

import pytest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_recorder_ends_cleanly(tmp_path, start_process, number):
    process = start_process(
        "recorder_node", "--ros-args", "-p", f"output:={tmp_path / 'bag'}", "-p", "topics:=['/a:std_msgs/msg/Header']"
    )
    assert "recording" in process.stdout.readline()
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and "Traceback" not in output, output
    assert (tmp_path / "bag/metadata.yaml").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_segmentation_ends_cleanly(start_process, tiny_model_file, number):
    process = start_process("segmentation_node", "--ros-args", "-p", f"model:={tiny_model_file}")
    assert "listening" in process.stdout.readline()
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and output == "", output


def test_a_missing_parameter_file_is_one_line(start_process):
    process = start_process("segmentation_node", "--ros-args", "--params-file", "nowhere.yaml")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "nowhere.yaml" in output and "Traceback" not in output, output
