"""The SROS 2 policy allows each node exactly the topics and services that it uses in one of its configurations."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from fake_sounddevice import FakeSounddevice
from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.parameter import Parameter
from robot import make_node as make_segmentation_node
from robot import wait_until
from scene_video import write_scene_video
from watcher import make_node as make_follow_node

from c3n_ros import follow_sound_node
from c3n_ros.camera_node import CameraNode
from c3n_ros.microphone_node import MicrophoneNode

POLICY = Path(__file__).resolve().parents[2] / "config/sros2_policy.xml"
KINDS = (("topics", "publish"), ("topics", "subscribe"), ("services", "reply"), ("services", "request"))


def allowed():
    """{node: {("topics", "publish"): {names}, ...}} of the policy; `~/` stands for the node's own name."""
    found = {}
    for profile in ElementTree.parse(POLICY).getroot().iter("profile"):
        rights = {kind: set() for kind in KINDS}
        for group in profile:
            for kind in KINDS:
                if group.tag == kind[0] and group.get(kind[1]) == "ALLOW":
                    rights[kind] |= {f"{profile.get('ns')}{entry.text}" for entry in group}
        found[profile.get("node")] = {
            kind: {name.replace("/~/", f"/{profile.get('node')}/") for name in names} for kind, names in rights.items()
        }
    return found


def used(node):
    """What a running node uses, by the graph."""
    ask = (
        node.get_publisher_names_and_types_by_node,
        node.get_subscriber_names_and_types_by_node,
        node.get_service_names_and_types_by_node,
        node.get_client_names_and_types_by_node,
    )
    return {
        kind: {name for name, _ in names(node.get_name(), node.get_namespace())}
        for kind, names in zip(KINDS, ask, strict=True)
    }


@pytest.fixture
def configurations(monkeypatch, tmp_path):
    """Functions that make each node, in configurations that together use everything."""
    # nav_msgs may not be installed; only the topic matters here.
    monkeypatch.setattr(follow_sound_node, "message_class", lambda name: PoseWithCovarianceStamped)
    simulated = Parameter("use_sim_time", value=True)
    video = Parameter("video", value=str(write_scene_video(tmp_path / "clip.mp4", seconds=1)))
    angle = Parameter("horizontal_fov_deg", value=60.0)
    return {
        "camera": [lambda: CameraNode(parameter_overrides=[simulated, video, angle])],
        "segmentation": [
            make_segmentation_node,
            lambda: make_segmentation_node(image_transport="compressed"),
            lambda: make_segmentation_node(use_sim_time=True),
        ],
        "microphone": [lambda: MicrophoneNode(FakeSounddevice(), parameter_overrides=[simulated])],
        "follow_sound": [
            lambda: make_follow_node(odometry=True, use_sim_time=True),
            lambda: make_follow_node(mode="nav2"),
        ],
    }


@pytest.mark.parametrize("name", ["segmentation", "camera", "microphone", "follow_sound"])
def test_the_policy_names_what_the_node_uses(spin, configurations, name):
    rights = {kind: set() for kind in KINDS}
    expected = allowed()[name]
    for make in configurations[name]:
        node = make()
        spin(node)
        assert wait_until(lambda node=node: "/rosout" in used(node)["topics", "publish"])
        if name == "camera":  # knows the form of the sound only when it plays
            assert wait_until(lambda node=node: "/audio/audio_info" in used(node)["topics", "publish"])
        for kind, names in used(node).items():
            rights[kind] |= names
    newer = {f"/{name}/get_type_description"}  # from Iron on
    if not newer & rights["services", "reply"]:
        expected["services", "reply"] -= newer
    assert rights == expected


def test_the_policy_has_an_enclave_for_each_node():
    enclaves = ElementTree.parse(POLICY).getroot().iter("enclave")
    assert [enclave.get("path") for enclave in enclaves] == [
        "/c3n_ros/segmentation",
        "/c3n_ros/camera",
        "/c3n_ros/microphone",
        "/c3n_ros/follow_sound",
    ]
