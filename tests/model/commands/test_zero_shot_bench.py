"""`c3n zero-shot-bench` from a folder to its report: with tiny networks, and once with real ones."""

import json
import shutil

import cv2
import numpy as np
import pytest
from bench_folder import LeftHalf, tiny_model, write_data, write_picture, write_sound, write_video

from c3n_model.cli import main
from c3n_model.experiments.zero_shot import zero_shot
from c3n_model.zero_shot import zero_shot as network

METHODS = {
    "all_foreground",
    "centre_box",
    "vision_only",
    "audio_only",
    "true_class",
    "classifiers",
    "with_segmenter",
    "plain_c3im",
}


def run(data, *arguments):
    """The report of a folder; infinities and NaN, which are no JSON, are refused."""
    main(["zero-shot-bench", str(data), "-o", str(data / "out"), "--device", "cpu", *arguments])

    def refuse(constant):
        raise ValueError(f"{constant} is no JSON")

    return json.loads((data / "out/report.json").read_text(), parse_constant=refuse)


def message_of(data, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(["zero-shot-bench", str(data), "-o", str(data / "out"), "--device", "cpu", *arguments])
    message = str(stop.value.code)
    assert message.startswith("c3n: ") and "\n" not in message
    return message


@pytest.fixture
def tiny_models(monkeypatch):
    """In the place of the real ones; a label table is not read."""
    monkeypatch.setattr(network, "LOCALISE_SIZE", 64)
    monkeypatch.setattr(network, "CLASSIFY_SIZE", 32)
    models = {
        "classifiers": tiny_model(),
        "with_segmenter": tiny_model(LeftHalf(), presence_threshold=0.0),
        "plain_c3im": tiny_model(history=1),
    }
    monkeypatch.setattr(zero_shot, "load_models", lambda table, device: dict(models))
    return models


@pytest.fixture
def data(tmp_path):
    return write_data(tmp_path / "data")


def test_a_whole_folder(tiny_models, data, capsys):
    found = run(data, "--labels", "given.safetensors")
    assert found["methods"].keys() == METHODS
    assert {"mask_iou", "pointing_game", "class_accuracy", "median_ms_per_mask"} <= found["methods"][
        "classifiers"
    ].keys()
    assert (found["pictures"], found["scenes"], found["silent_seconds"], found["silent_false_positives"]) == (
        2,
        3,
        2,
        0,
    )
    assert found["methods"]["all_foreground"]["mask_iou"] == pytest.approx(0.5, abs=0.02)
    assert found["methods"]["all_foreground"]["class_accuracy"] is None
    assert found["unknown_sound_folders"] == ["zither of glass"]
    assert found["unknown_pairs"] == ["lonely_audio.wav"]
    assert found["plain_c3im_similarities"] == "the table given.safetensors"
    assert [(clip["name"], clip["sounding"], len(clip["seconds"])) for clip in found["clips"]] == [
        ("x_y", ["dog", "person"], 2)
    ]
    assert found["clips"][0]["seconds"][0].keys() >= {"second", "audio", "visual", "consensus", "right", "published"}
    assert [pair["name"] for pair in found["pairs"]] == ["dog_image.jpg"]
    assert found["sounds"]["by_folder"].keys() == {"dog", "sneezing", "pairs"}
    names = {path.name for path in (data / "out").iterdir()}
    assert names == {"report.json", "report.md", "masks.png", "clip_x_y.png", "silent_q.png"}
    page = (data / "out/report.md").read_text()
    assert "zither of glass" in page and "lonely_audio.wav" in page and "given.safetensors" in page
    assert all(f"]({name})" in page for name in names if name.endswith(".png"))
    assert "None" not in page
    assert "with_segmenter" in capsys.readouterr().out


def test_the_same_folder_gives_the_same_numbers(tiny_models, data):
    def without_times(report):
        return {name: {**row, "median_ms_per_mask": None} for name, row in report["methods"].items()}

    assert without_times(run(data, "--labels", "x")) == without_times(run(data, "--labels", "x"))


@pytest.mark.parametrize("missing", ["pairs", "avsbench_clips", "silent"])
def test_one_part_missing(tiny_models, data, missing):
    shutil.rmtree(data / missing)
    found = run(data, "--labels", "x")
    assert found["methods"].keys() == METHODS
    assert f" in {missing}/." in (data / "out/report.md").read_text()
    assert bool(found["silent_clips"]) is (missing != "silent")
    assert bool(found["clips"]) is (missing != "avsbench_clips")
    assert bool(found["pairs"]) is (missing != "pairs")


def test_only_silent_clips(tiny_models, data):
    for part in ("esc10", "pairs", "avsbench_clips"):
        shutil.rmtree(data / part)
    (data / "esc10").mkdir()  # empty is as good as missing
    found = run(data, "--labels", "x")
    assert (found["methods"], found["silent_seconds"]) == ({}, 2)
    assert (data / "out/report.md").read_text().count("\nNone: ") == 5


def test_one_picture_has_no_interval(tiny_models, data):
    (data / "coco/images/a.png").unlink()
    found = run(data, "--labels", "x")
    assert found["methods"]["centre_box"]["difference_to_classifiers_95"] is None
    assert found["methods"]["centre_box"]["mask_iou"] == found["methods"]["centre_box"]["mask_iou_over_scenes"]


def test_a_category_that_nothing_is_known_of_is_in_no_scene(tiny_models, data):
    write_picture(data / "coco", "kite.png", 38)
    assert run(data, "--labels", "x")["scenes"] == 3


def test_without_a_segmenter_the_report_says_so(tiny_models, data, monkeypatch):
    monkeypatch.setattr(zero_shot, "load_models", lambda table, device: {"classifiers": tiny_models["classifiers"]})
    found = run(data, "--labels", "x")
    assert "with_segmenter" not in found["methods"]
    assert "No segmenter" in (data / "out/report.md").read_text()


def test_clips_that_are_called_alike_have_a_sheet_each(tiny_models, data):
    write_video(data / "silent/x_y.mp4", seconds=1, loudness=0)
    found = run(data, "--labels", "x")
    sheets = [clip["sheet"] for part in ("clips", "silent_clips") for clip in found[part]]
    assert len(set(sheets)) == 3
    assert all(cv2.imread(str(data / "out" / sheet)) is not None for sheet in sheets)


def test_missing_folders_are_one_line(tiny_models, data, tmp_path):
    assert "no such folder" in message_of(tmp_path / "nowhere")
    for part in ("esc10", "pairs", "avsbench_clips", "silent"):
        shutil.rmtree(data / part)
    write_sound(data / "esc10/gizmo/1.wav")
    assert "nothing can be heard" in (message := message_of(data)) and "gizmo" in message
    shutil.rmtree(data / "coco")
    assert "holds 0 pictures" in message_of(data)


def test_pictures_that_were_all_tuned_on_name_the_option(tiny_models, data):
    for number, path in zip((61, 72), sorted((data / "coco/images").iterdir())):
        polygons = data / f"coco/instance_polygons/{path.stem}.txt"
        path.rename(path.with_stem(f"{number:012}"))
        polygons.rename(polygons.with_stem(f"{number:012}"))
    assert "--tuning" in message_of(data, "--labels", "x")
    assert run(data, "--labels", "x", "--tuning")["pictures"] == 2


@pytest.mark.parametrize(
    "name", ["coco/images/b.jpeg", "esc10/dog/1.wav", "avsbench_clips/x_y.mp4", "silent/q.mp4", "pairs/dog_image.jpg"]
)
def test_a_damaged_file_is_named(tiny_models, data, name):
    (data / name).write_bytes((data / name).read_bytes()[:30])
    assert name in message_of(data, "--labels", "x")


@pytest.mark.realdata
def test_real_networks_on_a_few_real_pictures_and_sounds(real_data, tmp_path, monkeypatch):
    from c3n_model.experiments.zero_shot.pictures import read_pictures

    monkeypatch.setenv("C3N_WEIGHTS", str(real_data))
    pictures = zero_shot.halves(read_pictures(real_data / "coco"), tuning=False)
    people = [picture for picture in pictures if picture.masks.get("person", np.zeros(1)).mean() > 0.15][:4]
    files = ["coco/panoptic/panoptic_train2017.json", "silent/02_cups.mp4"]
    for picture in people:
        files += [f"coco/images/{picture.name}.jpg", f"coco/panoptic/panoptic_train2017/{picture.name}.png"]
    for kind in ("person_sneeze", "rain"):
        files += [str(path.relative_to(real_data)) for path in sorted((real_data / "esc10" / kind).iterdir())[:1]]
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(real_data / file, tmp_path / file)
    found = run(tmp_path)
    assert (found["scenes"], found["silent_false_positives"]) == (4, 0)
    assert found["silent_seconds"] > 0
    assert found["plain_c3im_similarities"].startswith("cosines of the word vectors")
    default = found["methods"]["with_segmenter"]
    assert default["mask_iou"] > 0.5 and default["class_accuracy"] > 0.5
    assert default["mask_iou"] > found["methods"]["plain_c3im"]["mask_iou"]
    assert found["methods"]["plain_c3im"].keys() >= {"mask_iou", "pointing_game", "class_accuracy"}
