"""`ros2` for real, where it is installed: the commands of the README and the guides, every kind of argument, and Ctrl-C."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from lifecycle_msgs.srv import GetState
from loading_process import wait_until_torch_loads
from rcl_interfaces.srv import GetParameters
from rclpy.parameter import parameter_value_to_python
from scene_video import write_scene_video

from c3n_model.types import REASONS

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs/guide").glob("*.md"))]
GUIDE = ROOT / "docs/guide/robot.md"
SEGMENT, FOLLOW = "/segmentation", "/follow_sound"
TINY = ["model:=demo", "device:=cpu"]  # in the place of weights that are not on every machine

pytestmark = [
    pytest.mark.launch,
    pytest.mark.skipif(shutil.which("ros2") is None, reason="ros2 launch is not on the package index"),
]


def printed_commands(verb: str, documents=DOCUMENTS) -> list[str]:
    """Every `ros2 VERB` command of code spans and indented lines, without comments, each once."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in documents)
    found = re.findall(rf"(?:`|^    )(ros2 {verb} /?\w+[^`\n#]*)", text, re.M)
    return list(dict.fromkeys(command.strip() for command in found))


@pytest.fixture
def launched(ros):
    """`launched(words, folder)` starts a command in a process group of its own, as a terminal does; it is gone at the end."""
    processes = []

    def start(words, folder=None):
        pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        processes.append(subprocess.Popen(words, cwd=folder, start_new_session=True, **pipe))
        return processes[-1]

    yield start
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def call(ros, node, kind, service: str, request, process):
    """Call a service of the launched node, which may take its time to start."""
    client = node.create_client(kind, service)
    deadline = time.monotonic() + 60
    while not client.wait_for_service(0.5):
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline, f"no {service}"
    future = client.call_async(request)
    ros.spin_until_future_complete(node, future, timeout_sec=30)
    return future.result()


def parameters_of(ros, node, name: str, names: list[str], process) -> dict:
    request = GetParameters.Request(names=names)
    values = call(ros, node, GetParameters, f"{name}/get_parameters", request, process).values
    return {key: parameter_value_to_python(value) for key, value in zip(names, values, strict=True)}


def wait_for_state(ros, node, name: str, label: str, process):
    """Wait for a lifecycle state; the node does not answer while it loads its model."""
    deadline, state = time.monotonic() + 120, None
    while state != label:
        assert time.monotonic() < deadline, f"{name} is {state}, expected {label}"
        time.sleep(0.2)
        answer = call(ros, node, GetState, f"{name}/get_state", GetState.Request(), process)
        state = answer.current_state.label if answer else state


def wait_for_an_object(ros, node):
    """Wait until the launched node has published an object."""
    from c3n_ros.msg import SoundingObjects

    found, deadline = [], time.monotonic() + 120
    node.create_subscription(SoundingObjects, "sounding_object/objects", found.append, 10)
    while not any(message.objects for message in found):
        ros.spin_once(node, timeout_sec=0.5)
        assert time.monotonic() < deadline, found


def interrupt(process) -> str:
    """Press Ctrl-C; return what was printed."""
    os.killpg(process.pid, signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    return printed


def assert_clean_end(printed: str):
    assert re.search(r"process has finished cleanly", printed), printed
    assert not re.search(r"exit code -?\d+|escalating|Traceback", printed), printed


def without_missing_devices(printed: str) -> str:
    """Without the end of our camera and microphone on a machine that has none; each must have said so in one line."""
    for name in re.findall(
        r"^\[((?:camera|microphone)_node-\d+)\] \[FATAL\] .*(?:there is no|has no|not installed)", printed, re.M
    ):
        printed = re.sub(rf"^\[ERROR\] \[{name}\]: process has died .*$", "", printed, flags=re.M)
    return printed


def test_the_documents_have_a_command_for_each_node():
    files = {command.split()[3] for command in printed_commands("launch")}
    assert files == {"robot.launch.py", "segment.launch.py", "follow_sound.launch.py"}


@pytest.mark.parametrize("command", [one for one in printed_commands("launch") if "follow_sound" not in one])
def test_printed_commands_make_the_node_listen_and_end_cleanly(command, ros, launched, tmp_path):
    words = shlex.split(command)
    plays = "video:=clip.mp4" in words
    if plays:
        write_scene_video(tmp_path / "clip.mp4", seconds=6)
    process, node = launched([*words, *TINY], tmp_path), ros.create_node("probe")
    wait_for_state(ros, node, SEGMENT, "active", process)
    if plays:
        wait_for_an_object(ros, node)
    printed = interrupt(process)
    assert_clean_end(printed if plays else without_missing_devices(printed))


def test_the_printed_command_starts_the_follower(ros, launched):
    (command,) = (one for one in printed_commands("launch") if "follow_sound" in one)
    process = launched(shlex.split(command))
    assert parameters_of(ros, ros.create_node("probe"), FOLLOW, ["search"], process) == {"search": True}
    assert_clean_end(interrupt(process))


def test_the_commands_of_the_guide_while_it_runs(ros, launched, tmp_path):
    """In their order, beside a recording that plays; a command that echoes ends with its first line."""
    write_scene_video(tmp_path / "clip.mp4", seconds=60)
    process = launched(["ros2", "launch", "c3n_ros", "robot.launch.py", "video:=clip.mp4", *TINY], tmp_path)
    wait_for_state(ros, ros.create_node("probe"), SEGMENT, "active", process)
    commands = [line for verb in ("service", "param", "topic") for line in printed_commands(verb + " \\w+", [GUIDE])]
    assert len(commands) == 5
    answers = {}
    for command in commands:
        words = shlex.split(command)
        one = launched([*words, "--once"] if words[2] == "echo" else words)
        answers[words[3]], _ = one.communicate(timeout=60)
        assert one.returncode == 0, answers[words[3]][-2000:]
    assert "got 'dog'" in answers["/segmentation/set_classes"], "the embedded model has no such class, and says so"
    assert "GetLast_Response(success=True" in answers["/segmentation/last"]
    assert "successful" in answers["/segmentation"]
    assert answers["/sounding_object/objects"].split("\n")[0] in REASONS
    assert_clean_end(interrupt(process))


def test_ctrl_c_right_after_the_start_prints_no_traceback(ros, launched):
    process = launched(["ros2", "launch", "c3n_ros", "segment.launch.py", *TINY])
    for line in process.stdout:
        if started := re.search(r"segmentation_node-1\]: process started with pid \[(\d+)\]", line):
            break
    wait_until_torch_loads(int(started[1]))
    assert_clean_end(interrupt(process))


@pytest.mark.parametrize("file", ["segment.launch.py", "segment.launch.xml"])
def test_every_kind_of_argument_reaches_the_segmentation_node(file, ros, launched):
    arguments = [
        "hop_s:=1",
        "autostart:=false",
        "namespace:=robot",
        "image_transport:=auto",
        "dds_profile:=large_images",
        "compare_motion:=true",
        "max_sources:=2",
    ]
    process = launched(
        ["ros2", "launch", "c3n_ros", file, *TINY, *arguments, "image_topic:=/front", "log_level:=debug"]
    )
    node = ros.create_node("probe")
    names = ["hop_s", "autostart", "image_transport", "model", "device", "compare_motion", "max_sources"]
    values = parameters_of(ros, node, "/robot/segmentation", names, process)
    assert values == {
        "hop_s": 1.0, "autostart": False, "image_transport": "auto", "model": "demo", "device": "cpu", "compare_motion": True,
        "max_sources": 2,
    }  # fmt: skip
    wait_for_state(ros, node, "/robot/segmentation", "unconfigured", process)
    assert_clean_end(interrupt(process))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["stamped:=true", "search:=false"], {"stamped": True, "search": False}),
        (["search:=true", "stamped:=true", "odometry:=true"], {"search": True, "stamped": True, "odometry": True}),
        (["mode:=nav2", "use_sim_time:=true"], {"mode": "nav2", "use_sim_time": True}),
    ],
)
def test_every_kind_of_argument_reaches_the_follower(arguments, expected, ros, launched):
    if "odometry" in expected:
        pytest.importorskip("nav_msgs", reason="the package nav_msgs is not installed")
    process = launched(["ros2", "launch", "c3n_ros", "follow_sound.launch.py", *arguments])
    node = ros.create_node("probe")
    assert parameters_of(ros, node, FOLLOW, list(expected), process) == expected
    assert_clean_end(interrupt(process))
