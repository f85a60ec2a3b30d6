"""The command line: a small recipe from scenes to scores, and one line for every bad input."""

import json
import re

import numpy as np
import pytest
from printed_lines import printed
from scene_video import write_scene_video
from stand_in_model import every_model_is

from c3n_model.cli import main
from c3n_model.direction.microphone_array import PRESETS
from c3n_model.loading import load_model
from c3n_model.synthetic import synthesize as scenes
from c3n_model.synthetic.synthesize import synthesize

CONFIG = """
model: {visual: test_resnet, channels: 8, image_size: 64, gate: standard}
pretrain: {visual_steps: 2, audio_steps: 2, batch_size: 4}
train: {epochs: 1, batch_size: 2, color_jitter: false}
"""


@pytest.fixture(scope="module")
def scene_video(tmp_path_factory):
    """Write three seconds of the demo scene as mp4."""
    return write_scene_video(tmp_path_factory.mktemp("video") / "scene.mp4", seconds=3)


def test_recipe_from_scenes_to_scores(tmp_path, monkeypatch, capsys):
    """The recipe of the embedded model with fewer scenes and a small config."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/demo.yaml").write_text(CONFIG)
    few = {"train": 2, "val": 1, "test": 1}
    monkeypatch.setattr(scenes, "synthesize", lambda *given: synthesize(*given[:2], few, *given[3:]))
    main(printed("c3n synthesize"))
    main(printed("c3n pretrain"))
    main(printed("c3n train out/scenes"))
    capsys.readouterr()
    main(["evaluate", "out/demo.safetensors", "out/scenes", "--device", "cpu"])
    scores = json.loads(capsys.readouterr().out)["scores"]
    card = load_model("out/demo.safetensors").card
    assert card["scores"] == scores
    assert scores.keys() == {"s4", "ms3"}
    assert all(0 <= part["official"]["miou"] <= 1 and part["frames"] == 5 for part in scores.values())
    assert [command.split()[1] for command in card["commands"]] == ["pretrain", "train"]
    assert "recognises no real object" in card["note"]


def test_segmenting_a_video_and_its_bag_gives_equal_results(tmp_path, scene_video, tiny_model, monkeypatch, capsys):
    """Neither its motion nor its direction can choose among objects where there is one at most."""
    monkeypatch.chdir(tmp_path)
    every_model_is(monkeypatch, lambda: tiny_model)
    (tmp_path / "clip.mp4").symlink_to(scene_video)
    (tmp_path / "mine.yaml").symlink_to(PRESETS / "stereo_pair.yaml")
    main(["bag", "make", "clip.mp4", "-o", "robot.bag", "--storage", "sqlite3"])
    for name, line in (
        ("video", printed("c3n segment clip.mp4 -o out --model zero_shot")),
        ("bag", printed("c3n segment robot.bag -o out --model zero_shot --compare-motion")),
        ("again", printed("c3n segment robot.bag -o out --model zero_shot --microphone-array")),
    ):
        main(line)
        (tmp_path / "out").rename(name)
    assert capsys.readouterr().out.count("model ") == 3
    names = [sorted(path.name for path in (tmp_path / name / "masks").iterdir()) for name in ("bag", "again")]
    assert names[0] == names[1]
    assert len(names[0]) == 3
    for mask in names[0]:
        assert (tmp_path / "bag/masks" / mask).read_bytes() == (tmp_path / "again/masks" / mask).read_bytes()
    lines = [json.loads(line) for line in (tmp_path / "video/labels.jsonl").read_text().splitlines()]
    assert [line["window_start_ns"] for line in lines] == [0, 10**9, 2 * 10**9]
    assert (tmp_path / "video/overlay.mp4").stat().st_size > 1000


def test_a_bag_is_converted_back_to_a_video(tmp_path, scene_video):
    main(["bag", "make", str(scene_video), "-o", str(tmp_path / "scene.bag")])
    main(["bag", "extract", str(tmp_path / "scene.bag"), "-o", str(tmp_path / "back.mp4")])
    assert (tmp_path / "back.mp4").stat().st_size > 1000


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("segment nothing.mp4 -o out", r"nothing\.mp4"),
        ("segment text.mp4 -o out", r"text\.mp4.*video"),
        ("segment pictures.mp4 -o out", r"pictures\.mp4.*sound"),
        ("segment pictures.mp4 -o out --model nowhere.safetensors", r"pictures\.mp4.*sound"),
        ("evaluate nowhere.safetensors .", r"'nowhere\.safetensors'"),
        ("evaluate text.mp4 .", r"text\.mp4.*safetensors"),
        ("pretrain --config wrong.yaml -o x", r"wrong\.yaml.*'modle'"),
        ("pretrain --config broken.yaml -o x", r"broken\.yaml.*YAML"),
        ("bag extract text.mp4", r"text\.mp4.*bag"),
    ],
)
def test_bad_input_is_one_line(tmp_path, monkeypatch, command, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.mp4").write_text("not a video")
    (tmp_path / "wrong.yaml").write_text("modle: {}")
    (tmp_path / "broken.yaml").write_text("model: [")
    write_silent_video(tmp_path / "pictures.mp4")
    with pytest.raises(SystemExit) as stop:
        main(command.split())
    assert re.search("^c3n: .*" + message, str(stop.value.code))
    assert "\n" not in str(stop.value.code)


def write_silent_video(path) -> None:
    """Write a video without a sound track."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(12):
            picture = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
