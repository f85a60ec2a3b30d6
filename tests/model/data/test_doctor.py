"""The doctor's report on a folder: counts, warnings, and the exit code. For errors in files see test_clip_files."""

import json
import shutil

import numpy as np
import pytest
import soundfile
from PIL import Image
from printed_lines import printed
from semantic_release import write_semantic_release

from c3n_model.cli import main
from c3n_model.data.avsbench import AVSBench
from c3n_model.data.clip_check import Issue, Problem, check_table
from c3n_model.data.doctor import examine, group
from c3n_model.progress import silent
from c3n_model.synthetic.synthesize import synthesize


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    for setting in ("s4", "ms3"):
        synthesize(folder, setting, {"train": 2, "test": 1}, seed=3, progress=silent)
    return folder


@pytest.fixture
def root(scenes, tmp_path):
    """Copy the scenes, for tests that damage them."""
    return shutil.copytree(scenes, tmp_path / "data")


def findings(root, setting="ms3"):
    (report,) = (report for report in examine(root, silent) if report.setting == setting)
    return {finding.problem: finding for finding in report.findings}


def found(root, problem, setting="ms3"):
    return findings(root, setting).get(problem.value[1])


def test_counts(scenes):
    s4, ms3 = examine(scenes, silent)
    assert (s4.setting, s4.release, s4.clips) == ("s4", "object release", {"train": 2, "test": 1})
    assert s4.masks == {"of mode L with 0 and 255": 2 * 1 + 1 * 5}
    assert sum(ms3.masks.values()) == 3 * 5
    truth = [
        clip.masks.any(axis=(1, 2)) for split in ("train", "test") for clip in AVSBench(scenes, "ms3", split, 16000)
    ]
    assert ms3.empty_masks == np.count_nonzero(~np.concatenate(truth))
    assert ms3.sounds == {"of 16000 Hz, 1 channel": 3}
    assert s4.usable and ms3.usable


def test_good_scenes_have_only_the_warning_about_counts(scenes):
    for report in examine(scenes, silent):
        (finding,) = report.findings
        assert (finding.severity, finding.count) == ("warning", 3)
        assert "train has 2 clips, the paper's" in finding.examples[0]


def test_a_folder_with_the_papers_counts_has_no_findings(scenes):
    (clip,) = AVSBench(scenes, "ms3", "test", 16000).clips
    counts = {"train": 296, "val": 64, "test": 64}
    clips = [
        type(clip)(
            f"{split}{n}", split, "", tuple(clip.frames[0].parents[1] / f"{split}{n}/x" for _ in range(5)), (), clip.wav
        )
        for split, count in counts.items()
        for n in range(count)
    ]
    assert check_table("ms3", clips, [paths.frames[0].parent for paths in clips]) == []
    (issue,) = check_table("ms3", clips[1:], [])
    assert issue == Issue(Problem.PAPER, "train has 295 clips, the paper's 296")


def test_csv_and_folders_that_do_not_agree(root):
    table = root / "Multi-sources/ms3_meta_data.csv"
    table.write_text("name,split\nms3_train_00000,train\nms3_train_00000,train\nms3_test_00000,Test\nnowhere,val\n")
    assert found(root, Problem.TWICE).examples == ("Multi-sources/ms3_data/visual_frames/ms3_train_00000",)
    assert found(root, Problem.UNLISTED).examples == ("Multi-sources/ms3_data/visual_frames/ms3_train_00001",)
    assert found(root, Problem.SPLIT).examples == ("ms3_test_00000: Test",)
    assert found(root, Problem.NO_FILES).examples == ("Multi-sources/ms3_data/visual_frames/nowhere",)
    assert found(root, Problem.NO_FILES).count == 1


def test_unlisted_folders_of_the_semantic_release(scenes, tmp_path):
    write_semantic_release(tmp_path, scenes, "s4")
    lines = (tmp_path / "metadata.csv").read_text().splitlines()
    (tmp_path / "metadata.csv").write_text("\n".join(line for line in lines if "s4_train_00001" not in line))
    (report,) = examine(tmp_path, silent)
    assert report.release == "semantic release" and report.clips == {"train": 1, "test": 1}
    assert found(tmp_path, Problem.UNLISTED, "s4").examples == ("v1s/s4_train_00001/frames",)
    assert found(tmp_path, Problem.OTHER_SIZE, "s4").count == 10
    assert report.masks == {"of mode RGB": 6}


@pytest.mark.parametrize("text", ["name\na\n", "name,split\n"])
def test_a_csv_that_cannot_be_used(root, text):
    (root / "Multi-sources/ms3_meta_data.csv").write_text(text)
    assert "Multi-sources/ms3_meta_data.csv" in found(root, Problem.TABLE).examples[0]
    assert found(root, Problem.TABLE, "s4") is None


def test_unusual_masks_and_sounds_are_warnings(root):
    paths = AVSBench(root, "ms3", "test", 16000).clips[0]
    grey = np.zeros((224, 224), np.uint8)
    grey[:2, 0] = 128, 255
    Image.fromarray(grey).save(paths.masks[0])
    palette = Image.fromarray((grey > 0).astype(np.uint8), "P")
    palette.putpalette([255, 255, 255, 0, 0, 0])
    palette.save(paths.masks[1])
    palette.putpalette([0, 0, 0, 255, 255, 255])
    palette.save(paths.masks[2])
    soundfile.write(paths.wav, np.zeros((44100, 2)), 22050)
    assert found(root, Problem.GREY).examples == (
        "Multi-sources/ms3_data/gt_masks/test/ms3_test_00000/ms3_test_00000_1.png has 3 values from 0 to 255",
    )
    assert [name.rpartition("/")[2] for name in found(root, Problem.PALETTE).examples] == ["ms3_test_00000_2.png"]
    assert "has 2.00 s" in found(root, Problem.SHORT).examples[0]
    assert found(root, Problem.SILENT).count == 1
    _, report = examine(root, silent)
    assert report.usable and report.sounds["of 22050 Hz, 2 channels"] == 1
    assert report.masks["of mode P with 0 and 1"] == 2


def test_findings_are_grouped_errors_first(tmp_path):
    issues = [Issue(Problem.SHORT, "a"), *(Issue(Problem.MISSING, f"{tmp_path}/{n}") for n in range(5))]
    missing, short = group(issues, tmp_path)
    assert (missing.severity, missing.count, missing.examples) == ("error", 5, ("0", "1", "2"))
    assert (short.severity, short.count, short.examples) == ("warning", 1, ("a",))


class TestCommand:
    def test_usable(self, scenes, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "AVSBENCH").symlink_to(scenes)
        main(printed("c3n doctor"))
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("s4: object release, ")
        assert lines[-1] == "usable"

    def test_must_be_fixed_exits_with_1_and_the_report_on_stdout(self, root, capsys):
        AVSBench(root, "ms3", "test", 16000).clips[0].wav.unlink()
        with pytest.raises(SystemExit) as stop:
            main(["doctor", str(root)])
        assert stop.value.code == 1
        lines = capsys.readouterr().out.splitlines()
        assert lines[-1] == "must be fixed: ms3"
        assert [
            line
            for line in lines
            if "1 missing files (Multi-sources/ms3_data/audio_wav/test/ms3_test_00000.wav)" in line
        ]

    def test_json(self, root, capsys):
        main(["doctor", str(root / "Single-source"), "--json"])
        report = json.loads(capsys.readouterr().out)
        assert report["usable"] and [setting["setting"] for setting in report["settings"]] == ["s4"]
        AVSBench(root, "s4", "test", 16000).clips[0].masks[4].unlink()
        with pytest.raises(SystemExit):
            main(["doctor", str(root), "--json"])
        report = json.loads(capsys.readouterr().out)
        assert not report["usable"]
        assert report["settings"][0]["findings"][0]["problem"] == "missing files"

    def test_nothing_there_is_one_line(self, tmp_path):
        with pytest.raises(SystemExit, match="c3n: .*AVSBench.*c3n synthesize"):
            main(["doctor", str(tmp_path)])
