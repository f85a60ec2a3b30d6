"""The files for viewers and for CI: they parse, and speak of topics that the node has. Needs no ROS."""

import itertools
import json
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from c3n_ros.topics import DIAGNOSTICS, INPUTS, OUTPUTS

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = {f"/{name}": kind for name, kind in OUTPUTS.items()} | {DIAGNOSTICS: "diagnostic_msgs/msg/DiagnosticArray"}
RVIZ_SHOWS = {
    "Image": "sensor_msgs/msg/Image",
    "Pose": "geometry_msgs/msg/PoseStamped",
    "MarkerArray": "visualization_msgs/msg/MarkerArray",
}
FOXGLOVE_SHOWS = {
    "Image": {"sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"},
    "DiagnosticSummary": {"diagnostic_msgs/msg/DiagnosticArray"},
}


def strings_in(value):
    """Every text inside lists and dictionaries, keys included."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from strings_in(key)
            yield from strings_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings_in(inner)
    elif isinstance(value, str):
        yield value


def test_rviz_displays_show_topics_of_the_right_type():
    displays = yaml.safe_load((ROOT / "config/segment.rviz").read_text(encoding="utf-8"))["Visualization Manager"][
        "Displays"
    ]
    shown = {}
    for display in displays:
        kind = display["Class"].rpartition("/")[2]
        if "Topic" in display:
            assert PUBLISHED[display["Topic"]["Value"]] == RVIZ_SHOWS[kind], display["Name"]
            assert display["Topic"]["Reliability Policy"] == "Reliable"
            shown[display["Name"]] = display["Enabled"]
    assert shown == {"Overlay": True, "Mask": True, "Confidence": False, "Direction": True, "Markers": True}


def test_foxglove_layout_is_whole_and_shows_our_topics():
    content = json.loads((ROOT / "config/foxglove_layout.json").read_text(encoding="utf-8"))
    panels = content["configById"]
    placed = [text for text in strings_in(content["layout"]) if "!" in text]
    assert sorted(placed) == sorted(panels), "every panel is configured and placed once"
    topics = [text for text in strings_in(panels) if re.match(r"/\w", text)]
    assert len(topics) >= 6
    assert {text.partition(".")[0] for text in topics} <= set(PUBLISHED)
    for name, panel in panels.items():
        for kind in FOXGLOVE_SHOWS.get(name.partition("!")[0], ()):
            assert any(PUBLISHED.get(text) in FOXGLOVE_SHOWS[name.partition("!")[0]] for text in strings_in(panel)), (
                kind
            )


def test_plots_are_of_fields_that_the_message_has():
    content = (ROOT / "config/foxglove_layout.json").read_text(encoding="utf-8")
    fields = set(re.findall(r"/sounding_object/objects\.(\w+)", content))
    definition = (ROOT / "msg/SoundingObjects.msg").read_text(encoding="utf-8")
    assert len(fields) == 4 and fields <= set(re.findall(r"^float32 (\w+)", definition, re.M))


def topics_in_readme(heading):
    """Topic -> the cell with its message type, from the README's table under `heading`."""
    _, _, section = (ROOT / "README.md").read_text(encoding="utf-8").partition(f"### {heading}\n")
    assert section, f"the README has a section {heading}"
    lines = itertools.dropwhile(lambda line: not line.startswith("|"), section.splitlines())
    _, _, *rows = [line.split("|") for line in itertools.takewhile(lambda line: line.startswith("|"), lines)]
    return {topic: kinds for _, topics, kinds, *_ in rows for topic in re.findall(r"`([\w/]+)`", topics)}


def short(message_type):
    return message_type.rpartition("/")[2]


def test_the_readme_lists_the_topics_of_the_node_with_their_types():
    inputs = topics_in_readme("Inputs")
    outputs = {
        name if name.startswith("/") else f"/sounding_object/{name}": kinds
        for name, kinds in topics_in_readme("Outputs").items()
    }
    assert set(inputs) == set(INPUTS) and set(outputs) == set(PUBLISHED)
    for topic, kinds in {**inputs, **outputs}.items():
        assert short({**INPUTS, **PUBLISHED}[topic]) in kinds, topic


def test_large_images_profile_is_xml():
    root = ElementTree.parse(ROOT / "config/fastdds_large_images.xml").getroot()
    names = {"p": "http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles"}
    sizes = [int(element.text) for element in root.iterfind(".//p:segment_size", names)]
    assert sizes == [64 * 2**20]


def test_everything_in_config_and_launch_is_installed():
    installed = re.search(
        r"install\(DIRECTORY ([^)]*?) DESTINATION share", (ROOT / "CMakeLists.txt").read_text()
    ).group(1)
    assert set(installed.split()) == {"config", "launch"}


@pytest.mark.parametrize("path", sorted(ROOT.glob(".github/workflows/*.yml")), ids=lambda path: path.name)
def test_actions_are_pinned_to_commits_and_may_only_read(path):
    workflow = path.read_text(encoding="utf-8")
    used = re.findall(r"uses: (\S+)", workflow)
    assert used and all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in used)
    assert yaml.safe_load(workflow)["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("path", sorted(ROOT.glob(".github/workflows/*.yml")), ids=lambda path: path.name)
def test_workflow_scripts_are_valid_bash(path):
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    scripts = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert scripts
    for script in scripts:
        plain = re.sub(r"\$\{\{.*?\}\}", "VALUE", script)
        done = subprocess.run(["bash", "-n"], input=plain, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
