"""`c3n zero-shot-bench` from a folder to its pages, with tiny networks and once with real ones."""

import json
import re
import shutil

import numpy as np
import pytest
from bench_folder import LeftHalf, tiny_model, write_data, write_sound
from printed_lines import printed

from c3n_model import loading
from c3n_model.cli import main
from c3n_model.experiments.zero_shot import tasks
from c3n_model.experiments.zero_shot.tasks import compose_tasks
from c3n_model.zero_shot import masks
from c3n_model.zero_shot import zero_shot as network


def run(data, *arguments):
    """Run the benchmark on a folder; return bench.json."""
    main(["zero-shot-bench", str(data), "-o", str(data / "out"), "--device", "cpu", *arguments])
    return results(data / "out")


def results(out):
    """Return bench.json, refusing infinities and NaN, which are invalid JSON."""

    def refuse(constant):
        raise ValueError(f"{constant} is no JSON")

    return json.loads((out / "bench.json").read_text(), parse_constant=refuse)


def message_of(data, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(["zero-shot-bench", str(data), "-o", str(data / "out"), "--device", "cpu", *arguments])
    message = str(stop.value.code)
    assert message.startswith("c3n: ") and "\n" not in message
    return message


@pytest.fixture
def tiny_models(monkeypatch):
    """Replace the real models: `zero_shot` predicts people at the left, the others never publish anything."""
    monkeypatch.setattr(masks, "LOCALISE_SIZE", 64)
    monkeypatch.setattr(network, "CLASSIFY_SIZE", 32)
    thresholds = {"zero_shot": 0.0, "real.safetensors": 1.0, "config/combined.yaml": 1.0}
    monkeypatch.setattr(loading, "load_model", lambda name: tiny_model(LeftHalf(), presence_threshold=thresholds[name]))


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write_data(tmp_path / "DATA")


def test_a_whole_folder(tiny_models, data, capsys):
    main(printed("c3n zero-shot-bench DATA -o OUT"))
    out = data.parent / "OUT"
    found = results(out)
    assert (found["split"], found["pictures"], found["cutouts"]) == ("reported", 3, 2)
    assert found["left_out"] == ["esc10/zither of glass", "pairs/lonely_audio.wav"]
    setting = found["settings"]["zero_shot"]
    rows = setting["rows"]
    assert {"matched", "absent", "ambience", "noise", "motor_0_db", "dark", "cutout_both", "clips"} <= rows.keys()
    assert (rows["matched"]["scenes"], rows["matched"]["pictures"]) == (3, 2)
    assert rows["matched"]["by_class"].keys() == {"person", "dog"}
    assert rows["matched"]["by_class"]["person"].keys() >= {"iou", "iou_95", "painted", "named", "scenes", "pictures"}
    assert rows["silent_clips"]["painted"] == rows["noise"]["by_class"]["digital silence"]["painted"] == 0
    assert rows["absent"]["iou"] is None and rows["absent"]["painted"] is not None
    wrong = setting["painted_wrong"]
    assert wrong["wrong"] == sum(row["wrong"] for row in rows.values()) and wrong["people"] <= wrong["wrong"]
    assert setting["median_ms_per_mask"] > 0 and setting["median_cpu_ms_per_mask"] > 0
    assert (setting["lingering"]["streams"], setting["switching"]["streams"]) == (2, 4)
    assert [pair["name"] for pair in setting["pairs"]] == ["dog_image.jpg"]
    assert [(clip["name"], clip["sounding"]) for clip in setting["avsbench_clips"]] == [("yard", ["dog", "person"])]
    assert {path.name for path in (out / "zero_shot").iterdir()} == {
        "report.html",
        "metrics.json",
        "clips.csv",
        "frames.csv",
    }
    said = capsys.readouterr().out
    assert "matched" in said and "ms per mask" in said


def test_pages_show_every_row_and_are_self_contained(tiny_models, data):
    """Those of two sources, with the sections of one."""
    main(printed("c3n zero-shot-bench DATA -o OUT --max-sources"))
    out = data.parent / "OUT"
    page, pictures = (out / "bench.html").read_text(), (out / "zero_shot/report.html").read_text()
    rows = results(out)["settings"]["zero_shot"]["rows"]
    for name, row in rows.items():
        assert f'href="zero_shot/report.html#{name}"' in page and f'id="{name}"' in pictures
        assert row["about"] in page
    assert "as a session publishes them" in pictures and "without the presence gate" not in pictures
    assert not re.search(r'(src|href)="(?!data:|#|zero_shot/)', page)
    assert "None" not in page and "zither of glass" in page


def test_settings_side_by_side(tiny_models, data, monkeypatch):
    few = ["matched", "noise", "lingering"]
    monkeypatch.setattr(tasks, "compose_tasks", lambda found, rows: compose_tasks(found, rows or few))
    main(printed("c3n zero-shot-bench DATA -o OUT --config"))
    found = results(data.parent / "OUT")["settings"]
    assert list(found) == ["zero_shot", "real", "combined"]
    assert found["real"]["rows"]["matched"]["painted"] == 0 and found["real"]["rows"]["matched"]["iou"] == 0
    change = found["real"]["differences_to_zero_shot"]
    assert change.keys() == {"matched", "noise"}
    for row in ("matched", "noise"):
        painted = found["zero_shot"]["rows"][row]["painted"]
        assert painted > 0 and change[row]["painted"] == pytest.approx(-painted)
    assert "iou" in change["matched"] and "iou" not in change["noise"]
    assert found["real"]["lingering"]["painted_streams"] == 0
    assert found["real"]["painted_wrong"]["people_fraction"] is None
    assert "x/a.yaml, a.yaml" in message_of(data, "--config", "x/a.yaml", "a.yaml")


def test_the_same_folder_gives_the_same_numbers(tiny_models, data):
    def without_times(found):
        return {**found["settings"]["zero_shot"], "median_ms_per_mask": None, "median_cpu_ms_per_mask": None}

    chosen = ("--rows", "matched", "noise", "cutout_both", "motor_0_db", "switching")
    assert without_times(run(data, *chosen)) == without_times(run(data, *chosen))


def test_only_pictures_and_silence(tiny_models, data):
    for part in ("esc10", "pairs", "avsbench_clips", "cutouts", "clips"):
        shutil.rmtree(data / part)
    setting = run(data)["settings"]["zero_shot"]
    assert (
        setting["rows"].keys() == {"noise", "silent_clips", "motor_learnt_alone"}
        and setting["median_ms_per_mask"] is None
    )
    assert "None" not in (data / "out/bench.html").read_text()


def test_missing_folders_and_unknown_rows_are_one_line(tiny_models, data, tmp_path):
    assert str(tmp_path / "nowhere") in message_of(tmp_path / "nowhere")
    assert "nosie" in message_of(data, "--rows", "nosie")
    for part in ("esc10", "pairs", "avsbench_clips", "silent", "cutouts", "clips"):
        shutil.rmtree(data / part)
    write_sound(data / "esc10/gizmo/1.wav")
    assert "esc10/gizmo" in message_of(data)
    shutil.rmtree(data / "coco")
    assert "0 images" in message_of(data)


@pytest.mark.parametrize(
    "name",
    ["coco/images/b.jpeg", "esc10/dog/5.wav", "avsbench_clips/yard.mp4", "silent/q.mp4", "pairs/dog_image.jpg"]
    + ["cutouts/cow.png", "cutouts/cow.wav", "clips/street.mp4", "clips/truth.json"],
)
def test_a_damaged_file_is_named(tiny_models, data, name):
    (data / name).write_bytes((data / name).read_bytes()[:30])
    assert name in message_of(data)


def test_a_checkpoint_is_measured_too(data):
    found = run(data, "--config", "demo", "--rows", "noise")
    assert found["settings"]["demo"]["rows"]["noise"]["scenes"] == 15


@pytest.mark.realdata
def test_real_networks_on_a_few_real_pictures_and_sounds(real_data, tmp_path, monkeypatch):
    from c3n_model.experiments.zero_shot.halves import file_in_half, picture_in_half
    from c3n_model.experiments.zero_shot.pictures import read_pictures

    monkeypatch.setenv("C3N_WEIGHTS", str(real_data))
    pictures = [picture for picture in read_pictures(real_data / "coco") if picture_in_half(picture.name, False)]
    people = [picture for picture in pictures if picture.masks.get("person", np.zeros(1)).mean() > 0.15][:4]
    files = ["coco/panoptic/panoptic_train2017.json", "silent/02_cups.mp4"]
    for picture in people:
        files += [f"coco/images/{picture.name}.jpg", f"coco/panoptic/panoptic_train2017/{picture.name}.png"]
    for kind in ("person_sneeze", "rain"):
        sounds = sorted(path for path in (real_data / "esc10" / kind).iterdir() if file_in_half(path.stem, False))
        files += [str(path.relative_to(real_data)) for path in sounds[:1]]
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(real_data / file, tmp_path / file)
    rows = run(tmp_path, "--rows", "matched", "silent_clips", "noise")["settings"]["zero_shot"]["rows"]
    assert rows["matched"]["scenes"] == 4
    assert rows["matched"]["iou"] > 0.5 and rows["matched"]["named"] > 0.5
    assert rows["silent_clips"]["scenes"] > 0 and rows["silent_clips"]["painted"] == 0
    assert rows["noise"]["by_class"]["digital silence"]["painted"] == 0
