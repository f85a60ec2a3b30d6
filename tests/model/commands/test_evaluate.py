"""`c3n evaluate` and `c3n compare`, from scenes on disk to numbers and pages."""

import json
import re
from pathlib import Path

import pytest
from printed_lines import printed
from tiny import make_tiny_model

from c3n_model.cli import main
from c3n_model.progress import silent
from c3n_model.synthetic.synthesize import synthesize
from c3n_model.weights.checkpoint import save_model


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Write two scenes of each setting and a model."""
    root = tmp_path_factory.mktemp("evaluate")
    for setting in ("s4", "ms3"):
        synthesize(root / "AVSBENCH", setting, {"test": 2}, seed=3, progress=silent)
    save_model(root / "s4.safetensors", make_tiny_model())
    return root


@pytest.fixture(autouse=True)
def folder(data, tmp_path, monkeypatch):
    for path in data.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)


def run(capsys, arguments):
    """Run a command; return its output."""
    main(arguments)
    return capsys.readouterr().out


def test_evaluate_prints_and_writes_the_same_numbers(capsys):
    found = json.loads(run(capsys, printed("c3n evaluate")))
    metrics = json.loads(Path("report/metrics.json").read_text())
    assert list(found["scores"]) == ["s4", "ms3"]
    assert found["scores"] == {name: part["summary"] for name, part in metrics["settings"].items()}
    assert found["scores"]["s4"]["official"]["batch_size"] == 1
    assert found["report"] == "report/report.html"
    assert metrics["command"].startswith("c3n evaluate ")
    assert metrics["model"]["config"]["visual"] == "test_resnet"
    text = Path("report/report.html").read_text()
    assert text.count("data:image/jpeg") >= 20
    assert "with label" in text
    Path("other_report").symlink_to("report")
    table = run(capsys, printed("c3n compare"))
    assert table.count("+0.000  [+0.000, +0.000]") == 4
    rows = json.loads(run(capsys, ["compare", "report", "report/metrics.json", "--json"]))["differences"]
    assert rows[0]["first"] == pytest.approx(found["scores"]["s4"]["batch_independent"]["miou"])


def test_one_setting_alone_without_a_report(capsys):
    command = ["evaluate", "s4.safetensors", "AVSBENCH", "--device", "cpu", "--setting", "ms3", "--batch-size", "2"]
    found = json.loads(run(capsys, command))
    assert list(found) == ["model", "split", "gated", "scores"]
    assert list(found["scores"]) == ["ms3"]
    assert found["scores"]["ms3"]["frames"] == 10
    assert found["scores"]["ms3"]["official"]["batch_size"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--batch-size", "0"), "c3n: --batch-size is 0; .*1"),
        (("--split", "val"), r"c3n: .*s4_meta_data\.csv.*'val'.*\['test'\]"),
    ],
)
def test_refusals_are_one_line(arguments, message):
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", "s4.safetensors", "AVSBENCH", *arguments])
    assert re.search(message, str(stop.value.code))
    assert "\n" not in str(stop.value.code)


def test_a_run_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(SystemExit, match=r"c3n: .*clips\.csv.*c3n evaluate -o"):
        main(["compare", str(tmp_path), str(tmp_path)])
