"""Real rclpy over real DDS, on domains of its own so that two test runs on one network do not hear each other."""

import os
import subprocess
import threading
from pathlib import Path

import pytest
from ros_domains import take_domain

os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
pytest.importorskip("rclpy", reason="ROS 2 is not in this environment: run the tests with `make test`")
pytest.importorskip("c3n_ros.msg", reason="the workspace is not built: run the tests with `make test`")

import rclpy  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402

from c3n_model.weights.checkpoint import save_model  # noqa: E402


@pytest.fixture
def ros(monkeypatch):
    """rclpy, initialised for one test, on the next domain: Fast DDS may believe in nodes of the last test for 20 s."""
    monkeypatch.setenv("ROS_DOMAIN_ID", take_domain())
    rclpy.init()
    yield rclpy
    rclpy.try_shutdown()


@pytest.fixture
def spin(ros):
    """`spin(node, ...)` runs the nodes' callbacks in a thread until the end of the test, then destroys the nodes."""
    executor = SingleThreadedExecutor()
    nodes, stop = [], threading.Event()

    def work():
        while not stop.is_set():
            executor.spin_once(timeout_sec=0.1)

    thread = threading.Thread(target=work, daemon=True)

    def start(*new_nodes):
        for node in new_nodes:
            nodes.append(node)
            executor.add_node(node)
        if not thread.is_alive():
            thread.start()
        return new_nodes[0]

    yield start
    stop.set()
    if nodes:
        thread.join(timeout=5)
    executor.shutdown()
    for node in nodes:
        node.destroy_node()


@pytest.fixture
def start_process():
    """`start_process(name, *arguments)` runs an installed executable of ours; it is gone when the test ends."""
    processes = []

    def start(name, *arguments, command=None):
        command = command or [str(executable(name)), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def tiny_model_file(tmp_path, tiny_model):
    """The path of a checkpoint that every machine can run."""
    path = tmp_path / "tiny.safetensors"
    save_model(path, tiny_model)
    return path


def executable(name):
    """An executable as `ros2 run c3n_ros NAME` would find it."""
    for prefix in os.environ["AMENT_PREFIX_PATH"].split(os.pathsep):
        path = Path(prefix, "lib/c3n_ros", name)
        if path.exists():
            return path
    raise FileNotFoundError(f"{name} is not installed: run the tests with `make test`")
