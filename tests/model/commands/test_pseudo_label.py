"""`c3n pseudo-label` with the embedded model. From there to a trained model: tests/test_guides.py."""

import json
from pathlib import Path

import pytest
from printed_lines import printed
from scene_video import BELL, HORN, steady_scene, write_scene_video
from stand_in_model import demo, every_model_is

from c3n_model.cli import main
from c3n_model.data.avsbench import AVSBench
from c3n_model.review import proposals

LABEL = ["pseudo-label", "recordings", "-o", "out", "--model", "demo", "--device", "cpu"]


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Seven seconds of a bell, and another recording with the same name."""
    folder = tmp_path_factory.mktemp("videos")
    (folder / "recordings/b").mkdir(parents=True)
    write_scene_video(folder / "recordings/clip.mp4", 7, steady_scene(*[BELL] * 7))
    write_scene_video(folder / "recordings/b/clip.mp4", 7, steady_scene(*[HORN] * 7))
    (folder / "recordings/c.mp4").write_bytes(b"no video")
    return folder


@pytest.fixture
def folder(videos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    every_model_is(monkeypatch, demo)
    (tmp_path / "recordings").symlink_to(videos / "recordings")
    (tmp_path / "RECORDINGS").mkdir()
    (tmp_path / "RECORDINGS/clip.mp4").symlink_to(videos / "recordings/clip.mp4")
    return tmp_path


def summary(out="out"):
    return json.loads(Path(out, "pseudo_labels.json").read_text())["recordings"]


def test_an_interrupted_run_continues_and_equals_an_uninterrupted_one(folder, monkeypatch, capsys):
    propose, calls = proposals.propose, []

    def breaks(*arguments, **more):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return propose(*arguments, **more)

    monkeypatch.setattr(proposals, "propose", breaks)
    with pytest.raises(SystemExit):
        main(printed("c3n pseudo-label recordings"))
    assert list(summary("learnt")) == ["clip"]
    main(printed("c3n pseudo-label recordings"))
    assert len(calls) == 3  # the first is not segmented again
    said = capsys.readouterr().out
    assert "c.mp4: left out:" in said and "2 recordings, 14 seconds, 2 clips" in said
    assert summary("learnt")["clip"]["clips"] == [["clip_001", "train"]]
    assert summary("learnt")["clip"]["dropped"] == {"without a second before or after": [0, 6]}
    assert {clip.name for clip in AVSBench("learnt", "ms3", "train", 16_000).clips} == {"clip_001", "b_clip_001"}
    assert AVSBench("learnt", "ms3", "train", 16_000)[0].masks.any(axis=(1, 2)).all()


def test_other_settings_and_other_data_are_refused(folder):
    main(printed("c3n pseudo-label RECORDINGS"))
    before = summary("MINE")
    for changed, name in ((["--margin", "0.5"], "margin"), (["--setting", "s4"], "setting")):
        with pytest.raises(SystemExit, match=f"another {name}"):
            main([*printed("c3n pseudo-label RECORDINGS"), *changed])
    assert summary("MINE") == before
    Path("full").mkdir()
    Path("full/Multi-sources").mkdir()
    with pytest.raises(SystemExit, match="full contains other files"):
        main([*LABEL[:2], "-o", "full", *LABEL[4:]])


def test_a_recording_without_a_clip_is_said(folder, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*LABEL[:1], "recordings/c.mp4", *LABEL[2:]])
    assert ended.value.code == 1 and "no clip was written" in capsys.readouterr().out
    assert summary() == {}


def test_s4_has_a_folder_for_each_label(folder):
    main([*LABEL[:1], "recordings/b", *LABEL[2:], "--setting", "s4", "--split", "val"])
    (clip,) = AVSBench("out", "s4", "val", 16_000).clips
    assert clip.category == "striped_horn"
