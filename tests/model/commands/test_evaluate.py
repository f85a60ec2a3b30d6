"""`c3n evaluate` and `c3n compare`, from scenes on disk to numbers and pages."""

import json
import re

import pytest
from tiny import make_tiny_model

from c3n_model.cli import main
from c3n_model.progress import silent
from c3n_model.synthetic.synthesize import synthesize
from c3n_model.weights.checkpoint import save_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write two scenes of each setting and a model, and evaluate it."""
    root = tmp_path_factory.mktemp("evaluate")
    for setting in ("s4", "ms3"):
        synthesize(root / "scenes", setting, {"test": 2}, seed=3, progress=silent)
    save_model(root / "tiny.safetensors", make_tiny_model())
    return root


@pytest.fixture(scope="module")
def run(folder):
    """Run a command; return its output."""

    def run(capsys, *arguments):
        main([str(argument) for argument in arguments])
        return capsys.readouterr().out

    return run


def test_evaluate_prints_and_writes_the_same_numbers(folder, run, capsys):
    command = ("evaluate", folder / "tiny.safetensors", folder / "scenes", "--device", "cpu", "--batch-size", "2")
    printed = json.loads(run(capsys, *command, "-o", folder / "out"))
    metrics = json.loads((folder / "out/metrics.json").read_text())
    assert list(printed["scores"]) == ["s4", "ms3"]
    assert printed["scores"] == {name: part["summary"] for name, part in metrics["settings"].items()}
    assert printed["scores"]["s4"]["official"]["batch_size"] == 2
    assert printed["report"] == str(folder / "out/report.html")
    assert metrics["command"].startswith("c3n evaluate ")
    assert metrics["model"]["config"]["visual"] == "test_resnet"
    text = (folder / "out/report.html").read_text()
    assert text.count("data:image/jpeg") >= 20
    assert "with label" in text
    table = run(capsys, "compare", folder / "out", folder / "out/metrics.json")
    assert table.count("+0.000  [+0.000, +0.000]") == 4
    rows = json.loads(run(capsys, "compare", folder / "out", folder / "out", "--json"))["differences"]
    assert rows[0]["first"] == pytest.approx(printed["scores"]["s4"]["batch_independent"]["miou"])


def test_one_setting_alone_without_a_report(folder, run, capsys):
    command = ("evaluate", folder / "tiny.safetensors", folder / "scenes", "--device", "cpu", "--setting", "ms3")
    printed = json.loads(run(capsys, *command))
    assert list(printed) == ["model", "split", "gated", "scores"]
    assert list(printed["scores"]) == ["ms3"]
    assert printed["scores"]["ms3"]["frames"] == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--batch-size", "0"), "c3n: --batch-size is 0; .*1"),
        (("--split", "val"), r"c3n: .*s4_meta_data\.csv.*'val'.*\['test'\]"),
    ],
)
def test_refusals_are_one_line(folder, arguments, message):
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", str(folder / "tiny.safetensors"), str(folder / "scenes"), *arguments])
    assert re.search(message, str(stop.value.code))
    assert "\n" not in str(stop.value.code)


def test_a_run_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(SystemExit, match=r"c3n: .*clips\.csv.*c3n evaluate -o"):
        main(["compare", str(tmp_path), str(tmp_path)])
