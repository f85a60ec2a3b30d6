"""`c3n reproduce`: small versions of every table and the figures; trainings are shared and cached."""

import json
import re
from functools import cache
from pathlib import Path

import pytest
from printed_lines import printed
from public_weights import save_label_table, write_public_weights
from toy_weights import own_weights

from c3n_model.cli import main
from c3n_model.config import ModelConfig, TrainConfig
from c3n_model.experiments.paper import reproduce as module
from c3n_model.experiments.paper import runs
from c3n_model.experiments.paper.recipes import ABLATION, MAIN_PAIR, SYNTHETIC, Recipe
from c3n_model.weights.tensors import read_described

SMALL = ["--data", "synthetic", "--size", "small", "--device", "cpu"]
SYNTHETIC_NOTE = "Synthetic data."


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """Make all tables and figures in `out`, once; Table IV, which is counted and not trained, is counted once."""
    folder = tmp_path_factory.mktemp("everything")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "count_cost", cache(module.count_cost))
        patch.chdir(folder)
        main(printed("c3n reproduce all"))
        yield folder / "out"


@pytest.fixture
def small(everything, monkeypatch):
    """The recipes of hours are those of seconds."""
    monkeypatch.chdir(everything.parent)
    monkeypatch.setitem(SYNTHETIC, "full", SYNTHETIC["small"])


def read(folder) -> tuple[dict, str]:
    """Return a table's JSON and its Markdown."""
    return json.loads((folder / "table.json").read_text()), (folder / "table.md").read_text()


def reproduce(number: str, everything, out, *more: str) -> tuple[dict, str]:
    """Reproduce a table from the trainings of all; return its JSON and its Markdown."""
    main(["reproduce", number, *SMALL, "--runs", str(everything / "runs"), "-o", str(out), *more])
    return read(out)


def ours(table: dict) -> dict[str, dict]:
    """Return the rows with values of ours, by key."""
    return {row["row"]: row["cells"] for row in table["rows"] if any(cell["ours"] for cell in row["cells"].values())}


def test_table_ii(everything):
    table, text = read(everything / "II")
    assert sorted(path.name for path in (everything / "II").iterdir()) == ["table.json", "table.md", "table.png"]
    assert list(ours(table)) == [f"PVTv2+PANNs {variant}" for variant in ABLATION]
    assert table["rows"][-1]["cells"]["ms3_miou"]["paper"] == 61.67
    assert 0 <= table["rows"][-1]["cells"]["ms3_miou"]["ours"]["mean"] <= 100
    assert len(table["claims"]) == 2 * 6
    assert table["claims"][-1]["claim"] == "CC helps beside AF (PVTv2+PANNs)"
    assert table["made_by"]["trainings"] == 10
    assert table["made_by"]["command"].startswith("c3n reproduce all --data synthetic")
    assert SYNTHETIC_NOTE in text
    assert "test_resnet+mn04, in the place of PVTv2+PANNs" in text


@pytest.mark.parametrize(
    "line",
    [printed("c3n reproduce I"), printed("c3n reproduce III"), printed("c3n reproduce IV")],
    ids=lambda line: line[1],
)
def test_nothing_is_trained_twice(everything, small, monkeypatch, line):
    monkeypatch.setattr(runs, "fit_model", lambda *_, **__: pytest.fail("was trained already"))
    first, _ = read(everything / line[1])
    main(line)
    again, _ = read(everything / line[1])
    assert again["made_by"]["command"] != first["made_by"]["command"] and again["rows"] == first["rows"]


def test_figures_alone(everything, small, monkeypatch):
    """That they are drawn, which takes as long as many trainings, is seen where everything is."""
    drawn = []
    monkeypatch.setattr(module, "draw_figures", lambda folder, jobs, found, *_: drawn.append((folder, found.folder)))
    main(printed("c3n reproduce figures"))
    assert drawn == [(Path("out/figures"), Path("out/runs"))]


def test_table_i_has_stand_ins_and_baselines(everything):
    table, text = read(everything / "I")
    assert list(ours(table)) == ["TPAVI", "AF", *SYNTHETIC["small"].pairs]
    assert len(table["rows"]) == 19 + 6
    assert "test_efficientnet+panns_mobilenet_v1, in the place of Swin+VGGish" in text
    assert {claim["claim"] for claim in table["claims"]} == {
        "C3N is better than itself without C3IM and CCAM",
        "C3N is better than TPAVI",
    }


def test_table_iii_is_of_the_validation_split(everything, tmp_path):
    table, _ = reproduce("III", everything, tmp_path, "--settings", "ms3")
    assert len(ours(table)) == 4
    assert table["rows"][0]["details"]["ms3"]["clips"] == SYNTHETIC["small"].scenes["val"]
    assert list(table["rows"][0]["cells"]) == ["ms3_miou", "ms3_fscore"]


def test_table_iv_is_counted(everything):
    table, text = read(everything / "IV")
    flops, parameters = table["rows"]
    assert flops["cells"]["c3n"]["difference"] == pytest.approx(0, abs=0.01)
    assert parameters["cells"]["baseline"]["ours"]["mean"] == pytest.approx(171.755265)
    assert SYNTHETIC_NOTE not in text
    assert not (everything / "IV/table.png").exists()


def test_table_v_by_category(everything):
    table, text = read(everything / "V")
    rows = ours(table)
    categories = [key for key in rows if key not in ("average", "deviation")]
    assert sum(row.get("details", {}).get("clips", 0) for row in table["rows"]) == SYNTHETIC["small"].scenes["test"]
    mean = sum(rows[key]["s4_miou"]["ours"]["mean"] for key in categories) / len(categories)
    assert rows["average"]["s4_miou"]["ours"]["mean"] == pytest.approx(mean)
    assert "| ambulance siren | 79.81 |  | 0.863 |  |" in text


@pytest.mark.parametrize(("number", "rows"), [("VI", 6), ("VII", 4)])
def test_noise(everything, tmp_path, number, rows):
    table, text = reproduce(number, everything, tmp_path, "--settings", "s4")
    assert len(ours(table)) == rows
    assert len(table["claims"]) == rows - 1
    assert "| no noise | 82.94 |" in text
    assert (tmp_path / "table.png").is_file()


def test_figures(everything):
    text = (everything / "figures/figures.md").read_text()
    assert SYNTHETIC_NOTE in text
    for number in range(5, 11):
        assert (everything / f"figures/figure_{number}.png").stat().st_size > 10_000
        assert f"![Figure {number}](figure_{number}.png)" in text


def test_avsbench_from_public_weights(tmp_path, monkeypatch):
    """On the paper's data, differences are written. The recipe is small, with encoders of the toy weights."""
    own_weights(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    write_public_weights(tmp_path)
    save_label_table(tmp_path / "labels")
    schedule = TrainConfig(epochs=7, batch_size=2)
    small = Recipe(
        model=ModelConfig(image_size=32, channels=4),
        train={"s4": schedule, "ms3": schedule},
        pairs={MAIN_PAIR: ("mobilenetv2_100", "mn04")},
        ablation_pairs=(MAIN_PAIR,),
        exponents_pair=MAIN_PAIR,
    )
    monkeypatch.setattr(module, "AVSBENCH", small)
    main(["synthesize", "scenes", "--setting", "s4", "--train", "2", "--val", "1", "--test", "1"])
    data = ["--data", "scenes", "--labels", "labels", "--settings", "s4", "--device", "cpu", "-o", "out"]
    main(["reproduce", "VII", *data])
    table, text = (json.loads(Path("out/table.json").read_text()), Path("out/table.md").read_text())
    cell = table["rows"][0]["cells"]["s4_miou"]
    assert cell["difference"] == pytest.approx(cell["ours"]["mean"] - 82.94)
    assert "| no noise | 82.94 |" in text
    assert "mIoU S4: difference" in text
    assert SYNTHETIC_NOTE not in text
    assert table["made_by"]["data"]["labels"]["vectors"] == "made up"
    assert table["made_by"]["form"] == "authors" and "Form `authors`" in text and "`--form paper`" in text
    main(["reproduce", "VII", *data, "--form", "paper"])
    assert json.loads(Path("out/table.json").read_text())["made_by"]["form"] == "paper"
    assert "Form `paper`" in Path("out/table.md").read_text()
    trained = [read_described(path, "c3n", "model")[0] for path in sorted(Path("out/runs").glob("s4_*.safetensors"))]
    assert [model["config"]["gate"] for model in trained] in (["unit", "gradient"], ["gradient", "unit"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "synthetic", "--config", "own.yaml"], "--config.*synthetic"),
        (
            ["--data", "scenes", "--config", "own.yaml", "--labels", "sources", "--form", "paper"],
            "--form paper.*--config",
        ),
        (["--data", "nowhere"], "--labels.*`c3n weights get en_core_web_lg audioset_classes`"),
        (["--data", "nowhere", "--size", "small"], "--size small.*--data synthetic"),
        (["--data", "synthetic", "--form", "paper"], "--form paper.*AVSBench.*synthetic"),
        (["--data", "synthetic", "--seeds", "0"], "--seeds is 0; .*1"),
        (["--data", "synthetic", "--settings", "s5"], "--settings is 's5'; .*s4, ms3"),
        (["--data", "synthetic", "--pairs", "VGG+ears"], r"--pairs.*'VGG\+ears'.*Swin\+VGGish"),
        (["--data", "scenes", "--labels", "labels"], "scenes .*AVSBench.*c3n synthesize"),
    ],
)
def test_bad_requests_are_one_line(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(["reproduce", "II", *arguments, "-o", "out"])
    assert re.search(message, str(stop.value.code))
    assert "\n" not in str(stop.value.code)
    assert not (tmp_path / "out").exists()


def test_missing_weights_are_named_before_any_work(tmp_path, monkeypatch):
    own_weights(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    main(["synthesize", "scenes", "--train", "1", "--val", "1", "--test", "1"])
    with pytest.raises(SystemExit) as stop:
        main(["reproduce", "II", "--data", "scenes", "--labels", "labels", "--pairs", "PVTv2+VGGish", "-o", "out"])
    message = str(stop.value.code)
    assert "`c3n weights get pvt_v2_b5 vggish vggish_pca audioset_classes`" in message
    assert re.search("vggish_head .*c3n train-vggish-head", message)
    assert "\n" not in message
    assert not (tmp_path / "out").exists()
