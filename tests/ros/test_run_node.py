"""Every node ends cleanly on SIGINT and SIGTERM."""

import signal

import pytest
from loading_process import wait_until_torch_loads


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_segmentation_ends_cleanly_while_its_libraries_load(start_process, number):
    process = start_process("segmentation_node")
    wait_until_torch_loads(process.pid)
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and output == "", output


@pytest.mark.parametrize(
    "name, arguments, nearest",
    [
        ("segmentation_node", ["-p", "treshold:=0.9", "-p", "hop_s:=1"], "threshold"),
        ("follow_sound_node", ["-p", "serch:=true", "-p", "gain:=1"], "search"),
        ("recorder_node", ["-p", "topic:=['/a']"], "topics"),
    ],
)
def test_an_unknown_parameter_is_one_warning(start_process, tmp_path, tiny_model_file, name, arguments, nearest):
    extra = {"segmentation_node": f"model:={tiny_model_file}", "recorder_node": f"output:={tmp_path / 'bag'}"}
    more = ["-p", extra[name]] if name in extra else []
    more += ["-p", "topics:=['/a:std_msgs/msg/Header']"] if name == "recorder_node" else []
    process = start_process(name, "--ros-args", *arguments, *more)
    for line in process.stdout:
        if "is not used" in line:
            break
    assert f"(nearest: {nearest})" in line and "WARN" in line
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and "is not used" not in output, output


def test_nothing_is_left_for_the_last_garbage_collection(start_process):
    script = "import gc; from c3n_ros.run_node import run; run('probe', lambda stop: 0); print(len(gc.get_objects()))"
    output, _ = start_process("", command=["python3", "-c", script]).communicate(timeout=60)
    assert int(output) < 1000


def test_a_missing_parameter_file_is_one_line(start_process):
    process = start_process("segmentation_node", "--ros-args", "--params-file", "nowhere.yaml")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "nowhere.yaml" in output and "Traceback" not in output, output
